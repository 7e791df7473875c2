"""The content tables, each from the parsed rows of an input. Column order and types are those of the contracts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.pairs.columns import comparison_id_column, orient_columns

# What is kept of a parsed row
PARSED = (
    "file_id", "row", "source", "comparison_id", "reason", "detail", "label", "margin", "label_origin", "annotator",
    "label_probability", "group_value", "extra", "original", "prompt_id", "messages", "first_id", "first_text",
    "second_id", "second_text",
)  # fmt: skip


class ReadFile(NamedTuple):
    """One file that was read: id (see `raw.file_id`), path, bytes, microseconds since 1970."""

    file_id: str
    path: str
    length: int
    modified: int


def files(rows: DataFrame, described: Sequence[tuple[object, ...]]) -> DataFrame:
    """One row a file, with the number of rows read from it (0 where the sample left none).

    described: (*ReadFile, source, format, shape, use) of each file; their number is small.
    """
    schema = "file_id string, path string, length bigint, micros bigint, source string, format string, shape string"
    listed = rows.sparkSession.createDataFrame(list(described), f"{schema}, use string").coalesce(1)
    counted = rows.groupBy("file_id").agg(F.count("*").alias("rows"))
    # both sides small: one row a file
    return listed.join(F.broadcast(counted), "file_id", "left").select(
        "file_id", "path", "source", "length", F.timestamp_micros("micros").alias("modified"), "format", "shape", "use",
        F.coalesce("rows", F.lit(0).cast("bigint")).alias("rows"),
    )  # fmt: skip


def occurrences(rows: DataFrame) -> DataFrame:
    """Every row read, with its comparison or the reason why it is none."""
    return rows.select(
        "file_id", "row", "source", "comparison_id", "reason", "label", "margin", "label_origin", "annotator",
        "label_probability", F.col("group_value").alias("group"), "extra",
    )  # fmt: skip


def prompts(rows: DataFrame) -> DataFrame:
    """Distinct prompts of usable rows."""
    characters = F.aggregate("messages", F.lit(0), lambda total, m: total + F.char_length(m["content"]))
    return (
        _usable(rows)
        .dropDuplicates(["prompt_id"])
        .select(
            "prompt_id",
            "normalised_prompt_id",
            "messages",
            F.col("prompt_group").alias("group"),
            F.size("messages").alias("turns"),
            characters.alias("characters"),
            F.lit(None).cast("string").alias("language"),
        )
    )


def responses(rows: DataFrame) -> DataFrame:
    """Distinct responses of usable rows."""
    both = F.array(*(_response(side) for side in ("first", "second")))
    return (
        _usable(rows)
        .select("prompt_id", F.explode(both).alias("response"))
        .select("response.*", "prompt_id")
        .dropDuplicates(["response_id"])
        .select("response_id", "normalised_response_id", "prompt_id", "text", F.char_length("text").alias("characters"))
    )


def _response(side: str) -> Column:
    names = {f"{side}_id": "response_id", f"normalised_{side}_id": "normalised_response_id", f"{side}_text": "text"}
    return F.struct(*(F.col(name).alias(alias) for name, alias in names.items()))


def comparisons(rows: DataFrame) -> DataFrame:
    """Distinct comparisons of usable rows."""
    smaller, larger = orient_columns(F.col("first_id"), F.col("second_id"))
    normalised = comparison_id_column(F.col("normalised_first_id"), F.col("normalised_second_id"))
    return (
        _usable(rows)
        .dropDuplicates(["comparison_id"])
        .select(
            "comparison_id",
            normalised.alias("normalised_comparison_id"),
            "prompt_id",
            smaller.alias("response_a"),
            larger.alias("response_b"),
        )
    )


def quarantine(rows: DataFrame) -> DataFrame:
    """Rows with a reason, with their original."""
    return rows.where(F.col("reason").isNotNull()).select(
        F.lit("-").alias("campaign"),
        F.lit("ingest").alias("stage"),
        F.concat_ws(":", "file_id", "row").alias("row_key"),
        "reason",
        "detail",
        "original",
    )


def _usable(rows: DataFrame) -> DataFrame:
    return rows.where(F.col("reason").isNull())
