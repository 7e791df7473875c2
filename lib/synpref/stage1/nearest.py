"""Exact nearest neighbours by cosine, one side small enough to travel to every worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

FOUND = "query string, retrieved string, similarity double"
FOUND_IN_POOL = f"{FOUND}, prompt_id string"
DIGITS = 4  # of a cosine: float32 settles six, a vector that was computed in another batch five


@dataclass(frozen=True)
class Vectors:
    """The small side: ids and groups (length n), unit vectors (n, d) float32. Bounded by the size of gold."""

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    matrix: NDArray[np.float32]


def collect_vectors(rows: DataFrame) -> Vectors:
    """Bring (comparison_id, group, vector) to the driver, sorted by comparison_id; only for gold, never for a pool."""
    table = rows.select("comparison_id", "group", "vector").orderBy("comparison_id").toArrow()
    return Vectors(
        tuple(map(str, table["comparison_id"].to_pylist())),
        tuple(map(str, table["group"].to_pylist())),
        _matrix(table["vector"].combine_chunks()),
    )


def nearest_gold(targets: DataFrame, gold: Vectors, k: int) -> DataFrame:
    """For each target (comparison_id, group, vector) its k most similar gold comparisons of other groups.

    Returns query (the target), retrieved, similarity. Ties break by comparison_id.
    """

    ties = _ranks(gold.ids)

    def search(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in filter(len, batches):
            similar = _of_other_groups(_similarities(batch, gold), batch, gold)
            found = [
                (query, gold.ids[column], float(similar[row, column]))
                for row, query in enumerate(map(str, batch.column("comparison_id").to_pylist()))
                for column in _top(similar[row], k, ties)
            ]
            yield _found(found)

    return targets.select("comparison_id", "group", "vector").mapInArrow(search, FOUND)


def nearest_pool(pool: DataFrame, gold: Vectors, depth: int, of_one_prompt: int) -> DataFrame:
    """For each gold comparison its `depth` most similar rows of the pool, of its own group too, and few of one prompt.

    pool: comparison_id, prompt_id, vector. Of one prompt, whose comparisons are about equally similar, at most
    `of_one_prompt` are taken, so that a prompt with many does not fill all places. Returns query (the gold comparison),
    retrieved, prompt_id, similarity. Each partition keeps its best before they are ranked.
    """

    def search(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in filter(len, batches):
            ids = [str(name) for name in batch.column("comparison_id").to_pylist()]
            prompts = [str(name) for name in batch.column("prompt_id").to_pylist()]
            ties = _ranks(ids)
            similar = _similarities(batch, gold).T
            found = [
                (query, ids[column], float(similar[row, column]), prompts[column])
                for row, query in enumerate(gold.ids)
                for column in few_of_each(_top(similar[row], None, ties), prompts, of_one_prompt, depth)
            ]
            rows = _found([one[:3] for one in found])
            yield rows.append_column("prompt_id", pa.array([one[3] for one in found], pa.string()))

    partial = pool.select("comparison_id", "prompt_id", "vector").mapInArrow(search, FOUND_IN_POOL)
    order = F.desc("similarity"), F.col("retrieved")
    of_prompt = Window.partitionBy("query", "prompt_id").orderBy(*order)
    best = Window.partitionBy("query").orderBy(*order)
    few = partial.withColumn("_rank", F.row_number().over(of_prompt)).where(F.col("_rank") <= of_one_prompt)
    return few.withColumn("_rank", F.row_number().over(best)).where(F.col("_rank") <= depth).drop("_rank")


def few_of_each(order: Iterable[int], prompts: Sequence[str], of_one: int, depth: int) -> Iterator[int]:
    """The first `depth` places of `order` with at most `of_one` of a prompt; prompts: by place."""
    taken: Counter[str] = Counter()
    left = depth
    for place in order:
        if left and taken[prompts[place]] < of_one:
            taken[prompts[place]] += 1
            left -= 1
            yield place
        if not left:
            return


def _similarities(batch: pa.RecordBatch, gold: Vectors) -> NDArray[np.float32]:
    """(rows, gold) cosines.

    Rounded: the last bits of a vector depend on its batch, those of a matrix product on its shape, and what is equally
    similar must be ranked by name on every machine.
    """
    similar: NDArray[np.float32] = np.round(_matrix(batch.column("vector")) @ gold.matrix.T, DIGITS)
    return similar


def _of_other_groups(similar: NDArray[np.float32], batch: pa.RecordBatch, gold: Vectors) -> NDArray[np.float32]:
    """The cosines, -2 where both are of one group."""
    same = np.asarray(batch.column("group").to_pylist())[:, None] == np.asarray(gold.groups)[None, :]
    return np.where(same, np.float32(-2.0), similar)


def _top(similar: NDArray[np.float32], k: int | None, ties: NDArray[np.intp]) -> Iterator[int]:
    """The first k places in falling similarity, all where None; made one by one, since most are never asked for."""
    for index in np.lexsort((ties, -similar))[:k]:
        if similar[index] <= -2.0:  # of one group, and so is all that follows
            return
        yield int(index)


def _ranks(names: Sequence[str]) -> NDArray[np.intp]:
    """The place of each name in sorted order: what breaks ties."""
    return np.argsort(np.argsort(np.asarray(names)))


def _matrix(vectors: pa.Array[Any]) -> NDArray[np.float32]:
    flat = cast("pa.ListArray[Any]", vectors).flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return np.ascontiguousarray(flat.reshape(len(vectors), -1))


def _found(rows: list[tuple[str, str, float]]) -> pa.RecordBatch:
    columns: dict[str, pa.Array[Any]] = {
        "query": pa.array([row[0] for row in rows], pa.string()),
        "retrieved": pa.array([row[1] for row in rows], pa.string()),
        "similarity": pa.array([row[2] for row in rows], pa.float64()),
    }
    return pa.RecordBatch.from_pydict(columns)
