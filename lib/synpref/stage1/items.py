"""What a judge is shown of a comparison: conversation, two responses, attributes; never a source label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.engines.attributes import Attributes, merge_attributes

FIELDS = Attributes._fields
ATTRIBUTES = "struct<" + ", ".join(f"{name}: string" for name in FIELDS) + ">"


def with_content(wanted: DataFrame, comparisons: DataFrame, prompts: DataFrame, responses: DataFrame) -> DataFrame:
    """Adds prompt_id, messages, text_a, text_b to rows with a comparison_id."""
    texts = responses.select("response_id", "text")
    content = comparisons.select("comparison_id", "prompt_id", "response_a", "response_b")
    # large with large, on ids; what is wanted decides how much text moves
    return (
        wanted.join(content, "comparison_id")
        .join(prompts.select("prompt_id", "messages"), "prompt_id")
        .join(texts.withColumnsRenamed({"response_id": "response_a", "text": "text_a"}), "response_a")
        .join(texts.withColumnsRenamed({"response_id": "response_b", "text": "text_b"}), "response_b")
        .drop("response_a", "response_b")
    )


def merged_attributes(attributes: DataFrame, engine_ids: Sequence[str]) -> DataFrame:
    """(comparison_id, attributes): the merged five-tuple of the first of these engines that has a valid answer.

    Samples of one engine are merged by engines.attributes.merge_attributes (paper.md §10.4). Without a valid answer
    there is no row.
    """
    rank = F.array_position(F.array(*[F.lit(engine_id) for engine_id in engine_ids]), F.col("engine_id"))
    sample = F.struct(rank.alias("rank"), "sample", *FIELDS)
    parsed = attributes.where((F.col("status") == "parsed") & F.col("engine_id").isin(list(engine_ids)))
    collected = parsed.groupBy("comparison_id").agg(F.sort_array(F.collect_list(sample)).alias("samples"))
    return collected.mapInArrow(_merge, f"comparison_id string, attributes {ATTRIBUTES}")


def with_attributes(items: DataFrame, merged: DataFrame | None) -> DataFrame:
    """Adds `attributes`, null where there are none."""
    if merged is None:
        return items.withColumn("attributes", F.lit(None).cast(ATTRIBUTES))
    return items.join(merged, "comparison_id", "left")  # large with large, on the key of both


def _merge(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    kind = pa.struct([(name, pa.string()) for name in FIELDS])
    for batch in batches:
        merged = []
        rows: list[dict[str, Any]] = batch.select(["samples"]).to_pylist()
        for samples in (row["samples"] for row in rows):
            first = [one for one in samples if one["rank"] == samples[0]["rank"]]
            best = merge_attributes([Attributes(**{name: one[name] for name in FIELDS}) for one in first])
            merged.append(None if best is None else best._asdict())
        yield pa.RecordBatch.from_arrays(
            [batch.column("comparison_id"), pa.array(merged, kind)], names=["comparison_id", "attributes"]
        )
