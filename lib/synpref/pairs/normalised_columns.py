"""Normalised ids and groups over a table, through Arrow: Spark has no Column expression for Unicode's NFKC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StringType, StructField, StructType

from synpref.pairs.identity import response_id
from synpref.pairs.normalise import normalise, normalised_prompt_id, prompt_group

ADDED = ("normalised_prompt_id", "prompt_group", "normalised_first_id", "normalised_second_id")


def with_normalised_ids(rows: DataFrame) -> DataFrame:
    """Add the normalised ids of rows with prompt_id, messages, first_text, second_text and reason.

    Adds normalised_prompt_id, prompt_group, normalised_first_id and normalised_second_id: strings, null where the row
    has a reason. All other columns pass through unchanged.
    """
    schema = StructType([*rows.schema.fields, *(StructField(name, StringType()) for name in ADDED)])
    return rows.mapInArrow(_add_ids, schema)


def _add_ids(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        usable = [reason is None for reason in batch.column("reason").to_pylist()]
        prompts = _prompts(batch, usable)
        keys = zip(_values(batch, "prompt_id"), usable, strict=True)
        ids = [prompts[key] if good else (None, None) for key, good in keys]
        normalised = [prompt for prompt, _ in ids]
        columns = [
            normalised,
            [group for _, group in ids],
            _responses(normalised, batch.column("first_text")),
            _responses(normalised, batch.column("second_text")),
        ]
        arrays = [*batch.columns, *(pa.array(column, pa.string()) for column in columns)]
        yield pa.RecordBatch.from_arrays(arrays, names=[*batch.schema.names, *ADDED])


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    values: list[Any] = batch.column(name).to_pylist()
    return values


def _prompts(batch: pa.RecordBatch, usable: list[bool]) -> dict[str, tuple[str, str]]:
    """(normalised id, group) of each distinct prompt of the batch; only these are turned into Python objects."""
    first: dict[str, int] = {}
    for position, (key, good) in enumerate(zip(_values(batch, "prompt_id"), usable, strict=True)):
        if good:
            first.setdefault(key, position)
    messages: list[Any] = batch.column("messages").take(pa.array(list(first.values()), pa.int64())).to_pylist()
    return {key: (normalised_prompt_id(m), prompt_group(m)) for key, m in zip(first, messages, strict=True)}


def _responses(prompts: list[str | None], texts: pa.Array[Any]) -> list[str | None]:
    """Normalised response ids; a text that stands in many rows of the batch is normalised once."""
    encoded = texts.dictionary_encode()
    distinct = [None if text is None else normalise(text) for text in encoded.dictionary.to_pylist()]
    folded = [None if index is None else distinct[index] for index in encoded.indices.to_pylist()]
    return [
        None if prompt is None or text is None else response_id(prompt, text)
        for prompt, text in zip(prompts, folded, strict=True)
    ]
