"""Simulated people: labels with a stated error rate, named simulated wherever they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame

from synpref.demo.draw import uniform
from synpref.demo.mistakes import error_probability, other
from synpref.demo.task import MEAN_DIFFICULTY
from synpref.pairs.identity import hash128
from synpref.store.contracts.opinions import HUMAN_LABELS

CANNOT_DECIDE, NO_PREFERENCE = 0.01, 0.01  # mean shares of answers without a side
ORIGIN = "simulated"
_SCHEMA = ", ".join(f"`{column.name}` {column.type}" for column in HUMAN_LABELS.columns)
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("comparison_id", pa.string()), ("annotator", pa.string()), ("batch", pa.string()), ("verdict", pa.string()),
    ("label_origin", pa.string()), ("confidence", pa.float64()), ("attributes", pa.string()),
    ("tools", pa.list_(pa.string())), ("seconds", pa.float64()),
]  # fmt: skip
_ARROW = pa.schema(_FIELDS)


class Item(NamedTuple):
    """What a simulator knows of a comparison; winner is null where there is no truth."""

    comparison_id: str
    winner: str | None
    difficulty: float | None


def label_comparisons(
    comparisons: DataFrame, truth: DataFrame, *, seed: int, annotators: int, error_rate: float, batch: str
) -> DataFrame:
    """Let simulated people label comparisons: rows of `human_labels`, one a comparison, by one of `annotators` people.

    comparisons: comparison_id, distinct. truth: the `truth` table. A comparison without truth gets `cannot_decide`.
    """
    # left join by key of two tables that may both be large: what is to be labelled, and the truth of the whole pool
    known = comparisons.select("comparison_id").join(
        truth.select("comparison_id", "winner", "difficulty"), "comparison_id", "left"
    )
    answer = partial(_label, seed=seed, annotators=annotators, error_rate=error_rate, batch=batch)
    return known.mapInArrow(partial(_label_batches, answer), _SCHEMA)


def verdict(item: Item, *, seed: int, who: str, sample: str, error_rate: float) -> str:
    """What one person says: a, b, no_preference or cannot_decide; a function of (seed, who, comparison, sample).

    Over a generated pool a share `error_rate` of the answers a and b is wrong, more of the hard items than of the easy
    ones. Of two equally good responses a person errs by preferring one.
    """
    if item.winner is None:
        return "cannot_decide"
    luck = uniform(seed, who, sample, "side", item.comparison_id)
    weight = (MEAN_DIFFICULTY if item.difficulty is None else item.difficulty) / MEAN_DIFFICULTY
    undecided = uniform(seed, who, sample, "undecided", item.comparison_id)
    if undecided < CANNOT_DECIDE * weight:
        return "cannot_decide"
    errs = luck < error_probability(error_rate, item.difficulty)
    if item.winner == "tie":
        return ("a" if undecided < 0.5 else "b") if errs else "no_preference"
    if undecided < (CANNOT_DECIDE + NO_PREFERENCE) * weight:
        return "no_preference"
    return other(item.winner) if errs else item.winner


def crowd(seed: int, annotators: int, error_rate: float) -> str:
    """What the names of these simulated people begin with: others never answer in their stead."""
    return f"{ORIGIN}:{hash128('people', str(seed), str(annotators), repr(error_rate))[:8]}:person-"


def _label(item: Item, *, seed: int, annotators: int, error_rate: float, batch: str) -> dict[str, Any]:
    person = 1 + int(uniform(seed, "assigned", item.comparison_id) * annotators)
    who = f"{ORIGIN}:person-{person}"
    hardness = MEAN_DIFFICULTY if item.difficulty is None else item.difficulty
    pace = uniform(seed, who, "pace", item.comparison_id)
    return {
        "comparison_id": item.comparison_id,
        "annotator": f"{crowd(seed, annotators, error_rate)}{person}",
        "batch": batch,
        "verdict": verdict(item, seed=seed, who=who, sample=batch, error_rate=error_rate),
        "label_origin": ORIGIN,
        "confidence": round(1 - 0.5 * hardness, 3),
        "attributes": None,
        "tools": None,
        "seconds": round(20 + 60 * hardness + 20 * pace, 1),
    }


def _label_batches(answer: partial[dict[str, Any]], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [answer(Item(row["comparison_id"], row["winner"], row["difficulty"])) for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=_ARROW)
