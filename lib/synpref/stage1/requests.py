"""What judges are asked: rendered prompts in both orders, with the gold examples that were retrieved before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.engines.judge_prompt import JudgedExample, JudgeItem, Order, render_judge_prompt
from synpref.pairs.identity import hash128

ORDERS: tuple[Order, ...] = ("ab", "ba")
REQUESTS = (
    "comparison_id string, prompt_hash string, `order` string, sample int, "
    "messages array<struct<role: string, content: string>>, few_shots array<string>"
)
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def with_few_shots(items: DataFrame, retrieved: DataFrame, examples: DataFrame, limit: int) -> DataFrame:
    """Adds `shots`: the retrieved gold examples of each item in falling similarity, at most `limit`.

    items: what is judged. retrieved: query, retrieved, rank. examples: items of gold with their human `label`.
    """
    shown = examples.select(
        F.col("comparison_id").alias("retrieved"),
        F.struct("comparison_id", "messages", "text_a", "text_b", "attributes", "label").alias("example"),
    )
    # gold examples are the small side; a query has at most `limit` of them
    of_query = retrieved.where(F.col("rank") <= limit).join(shown, "retrieved")
    ranked = of_query.groupBy(F.col("query").alias("comparison_id")).agg(
        F.sort_array(F.collect_list(F.struct("rank", "example"))).alias("shots")
    )
    return items.join(ranked, "comparison_id", "left")


def rendered(items: DataFrame, samples: int) -> DataFrame:
    """Requests of one judge: each item in both orders, `samples` times; prompt_hash is over the rendered prompt.

    items: comparison_id, messages, text_a, text_b, attributes, and shots (nullable).
    """

    def render(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [request for item in batch.to_pylist() for request in _requests(item, samples)]
            yield _batch(rows)

    columns = ["comparison_id", "messages", "text_a", "text_b", "attributes"]
    shots = [F.col("shots")] if "shots" in items.columns else []
    return items.select(*columns, *shots).mapInArrow(render, REQUESTS)


def _requests(item: Mapping[str, Any], samples: int) -> Iterator[dict[str, Any]]:
    shots = [shot["example"] for shot in item.get("shots") or ()]
    examples = [JudgedExample(item=_item(shot), label=shot["label"]) for shot in shots]
    for order in ORDERS:
        messages = render_judge_prompt(_item(item), examples, order)
        digest = hash128("judge prompt", json.dumps(messages, ensure_ascii=False, sort_keys=True))
        for sample in range(samples):
            yield {
                "comparison_id": item["comparison_id"],
                "prompt_hash": digest,
                "order": order,
                "sample": sample,
                "messages": messages,
                "few_shots": [shot["comparison_id"] for shot in shots],
            }


def _item(row: Mapping[str, Any]) -> JudgeItem:
    return JudgeItem(
        messages=row["messages"], response_a=row["text_a"], response_b=row["text_b"], attributes=row["attributes"]
    )


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    fields: dict[str, pa.DataType] = {
        "comparison_id": pa.string(),
        "prompt_hash": pa.string(),
        "order": pa.string(),
        "sample": pa.int32(),
        "messages": _MESSAGES,
        "few_shots": pa.list_(pa.string()),
    }
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema(fields))
