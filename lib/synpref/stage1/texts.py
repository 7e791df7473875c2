"""The text that stands for a comparison in retrieval, and its id (paper.md §2.3: conversation and attributes)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from synpref.engines.serialise import serialise
from synpref.pairs.identity import hash128

TEXTS = "comparison_id string, text_id string, text string"


def serialised(items: DataFrame) -> DataFrame:
    """(comparison_id, text_id, text) of items with messages and attributes (nullable); responses are not embedded."""
    return items.select("comparison_id", "messages", "attributes").mapInArrow(_serialise, TEXTS)


def text_vectors(texts: DataFrame, embeddings: DataFrame, engine_id: str) -> DataFrame:
    """(comparison_id, vector) for texts that the engine embedded."""
    own = embeddings.where(embeddings.engine_id == engine_id).select("text_id", "vector")
    return texts.select("comparison_id", "text_id").join(own, "text_id").drop("text_id")  # large with large, on text_id


def _serialise(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows: list[dict[str, Any]] = batch.to_pylist()
        texts = [serialise(row["messages"], row["attributes"]) for row in rows]
        ids = [hash128("text", text) for text in texts]
        yield pa.RecordBatch.from_arrays(
            [batch.column("comparison_id"), pa.array(ids, pa.string()), pa.array(texts, pa.string())],
            names=["comparison_id", "text_id", "text"],
        )
