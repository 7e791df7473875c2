"""What judges are asked: rendered prompts in both orders, with the gold examples that were retrieved before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.engines.judge_prompt import JudgedExample, JudgeItem, Order, render_judge_prompt
from synpref.engines.prompt_window import Fits, PromptWindow
from synpref.pairs.identity import hash128, prompt_id

ORDERS: tuple[Order, ...] = ("ab", "ba")
REQUESTS = (
    "comparison_id string, prompt_hash string, `order` string, sample int, "
    "messages array<struct<role: string, content: string>>, few_shots array<string>, prompt_id string"
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


def rendered(items: DataFrame, samples: int, window: PromptWindow | None = None) -> DataFrame:
    """Requests of one judge: each item in both orders, `samples` times; prompt_hash is over the rendered prompt,
    prompt_id over the conversation in it.

    items: comparison_id, messages, text_a, text_b, attributes, and shots (nullable). window: an item is shown as many
    of its shots, the most similar first, as leave both orders of its prompt within it; None: all of them.
    """

    def render(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        fits = None if window is None else window.measure()
        for batch in batches:
            rows = [request for item in batch.to_pylist() for request in _requests(item, samples, fits)]
            yield _batch(rows)

    columns = ["comparison_id", "messages", "text_a", "text_b", "attributes"]
    shots = [F.col("shots")] if "shots" in items.columns else []
    return items.select(*columns, *shots).mapInArrow(render, REQUESTS)


def fitting(
    shots: int, prompts: Callable[[int], list[list[dict[str, str]]]], fits: Fits | None
) -> tuple[int, list[list[dict[str, str]]]]:
    """How many shots are shown, and the prompts with so many: the most that leave all of them within the window.

    prompts: the rendered prompts of an item, by how many shots they show. Without any shot they are not checked.
    """
    for shown in range(shots, 0, -1):
        rendered_prompts = prompts(shown)
        if fits is None or all(fits(rendered_prompts)):
            return shown, rendered_prompts
    return 0, prompts(0)


def _requests(item: Mapping[str, Any], samples: int, fits: Fits | None) -> Iterator[dict[str, Any]]:
    shots = [shot["example"] for shot in item.get("shots") or ()]
    examples = [JudgedExample(item=_item(shot), label=shot["label"]) for shot in shots]

    def prompts(shown: int) -> list[list[dict[str, str]]]:
        return [render_judge_prompt(_item(item), examples[:shown], order) for order in ORDERS]

    shown, rendered_prompts = fitting(len(shots), prompts, fits)
    conversation = prompt_id(item["messages"])
    for order, messages in zip(ORDERS, rendered_prompts, strict=True):
        digest = hash128("judge prompt", json.dumps(messages, ensure_ascii=False, sort_keys=True))
        for sample in range(samples):
            yield {
                "comparison_id": item["comparison_id"],
                "prompt_hash": digest,
                "order": order,
                "sample": sample,
                "messages": messages,
                "few_shots": [shot["comparison_id"] for shot in shots[:shown]],
                "prompt_id": conversation,
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
        "prompt_id": pa.string(),
    }
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema(fields))
