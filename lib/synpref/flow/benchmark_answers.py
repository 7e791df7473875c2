"""Rewards and verdicts on benchmark texts, through the bridge: what stands already is not asked again."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.benchmarks.items import Item
from synpref.benchmarks.judged import Answer, pairs_of
from synpref.flow.answers import Calls, ask_judges, filled
from synpref.flow.benchmark_files import Texts
from synpref.inference.spec import EngineSpec
from synpref.pairs.identity import orient
from synpref.stage import Stage
from synpref.stage1.items import ATTRIBUTES
from synpref.stage1.requests import rendered

FOLDER = "benchmarks"
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_RESPONSES = pa.schema([("response_id", pa.string()), ("messages", _MESSAGES), ("text", pa.string())])
_COMPARISONS = pa.schema(
    [("comparison_id", pa.string()), ("messages", _MESSAGES), ("text_a", pa.string()), ("text_b", pa.string())]
)


@contextmanager
def responses_of(stage: Stage, texts: Texts) -> Iterator[DataFrame]:
    """response_id, messages, text: what scorers are asked about, in the run's folder while the context is open.

    Benchmark texts enter no table of content: they must never become a pool.
    """
    rows = [{"response_id": name, "messages": list(said), "text": text} for name, (said, text) in texts.items()]
    with _staged(stage, rows, _RESPONSES) as frame:
        yield frame


def rewards_of(stage: Stage, calls: Calls, responses: DataFrame, model: EngineSpec) -> tuple[str, dict[str, float]]:
    """A model's engine_id, and its rewards by response_id; what it refused, or what failed, has none (`calls`)."""
    done = filled(stage, calls, "rewards", responses, model)
    own = stage.warehouse.read("rewards").where(F.col("engine_id") == done.engine_id)
    wanted = F.broadcast(responses.select("response_id"))  # benchmarks are small beside the rewards
    rows = own.join(wanted, "response_id", "left_semi").select("response_id", "reward").collect()
    return done.engine_id, {row["response_id"]: row["reward"] for row in rows}


def verdicts_of(stage: Stage, calls: Calls, items: Sequence[Item], judge: str) -> tuple[str, list[Answer]]:
    """A judge's engine_id, and its verdicts on the pairs of the items, in both orders, without examples of gold."""
    (one,) = (each for each in stage.settings.judges if each.name == judge)
    with _staged(stage, list(_comparisons(items).values()), _COMPARISONS) as frame:
        asked = frame.withColumn("attributes", F.lit(None).cast(ATTRIBUTES))
        requests = rendered(asked, one.samples).cache()
        try:
            said = ask_judges(stage, calls, requests, [judge]).select(*Answer._fields)
            answers = [Answer(*row) for row in said.collect()]  # benchmarks are bounded
        finally:
            requests.unpersist()
    return calls.judges[judge], answers


def _comparisons(items: Sequence[Item]) -> dict[str, Mapping[str, Any]]:
    """Rows by comparison_id, each once for all places of the comparison."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in items:
        for pair, places in zip(pairs_of(item), item.pairs, strict=True):
            texts = {item.candidates[place].response_id: item.candidates[place].text for place in places}
            if len(texts) == len(places):  # two equal texts are no comparison
                a, b = orient(*texts)
                found[pair.comparison_id] = {
                    "comparison_id": pair.comparison_id,
                    "messages": list(item.messages),
                    "text_a": texts[a],
                    "text_b": texts[b],
                }
    return found


@contextmanager
def _staged(stage: Stage, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> Iterator[DataFrame]:
    folder = (stage.folder / FOLDER / uuid.uuid4().hex).absolute()
    folder.mkdir(parents=True)
    try:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), folder / "rows.parquet")
        yield stage.warehouse.spark.read.parquet(str(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
