"""The prompts that ask an engine for preference attributes (paper.md §1)."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame

from synpref.engines.attributes import render_attributes_prompt

PROMPTS = "comparison_id string, sample int, messages array<struct<role: string, content: string>>"
_FIELDS: dict[str, pa.DataType] = {
    "comparison_id": pa.string(),
    "sample": pa.int32(),
    "messages": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
}
_SCHEMA = pa.schema(_FIELDS)


def attribute_prompts(items: DataFrame, samples: int) -> DataFrame:
    """(comparison_id, sample, messages) for items with messages, text_a, text_b.

    The order of the candidates alternates over the samples, so that neither order can tell a source's label.
    """

    def render(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = []
            for item in batch.to_pylist():
                texts = (item["text_a"], item["text_b"])
                for sample in range(samples):
                    first, second = texts if sample % 2 == 0 else texts[::-1]
                    messages = render_attributes_prompt(item["messages"], first, second)
                    rows.append({"comparison_id": item["comparison_id"], "sample": sample, "messages": messages})
            yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)

    return items.select("comparison_id", "messages", "text_a", "text_b").mapInArrow(render, PROMPTS)
