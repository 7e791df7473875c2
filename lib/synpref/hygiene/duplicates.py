"""Exact duplicates: many occurrences of one comparison become one row with a primary occurrence and its votes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sf

from synpref.hygiene.conflicts import LABELS, counted_column


class Occurrence(NamedTuple):
    """Where a comparison was seen."""

    source: str
    file_id: str
    row: str


def survivor(occurrences: Iterable[Occurrence], source_priority: Sequence[str]) -> Occurrence:
    """The primary occurrence: first in `source_priority` (unlisted sources come last, by name), then smallest (file_id,
    row).

    source, file_id and row compare as text. Raises ValueError where there is no occurrence.
    """
    places = {source: place for place, source in enumerate(reversed(source_priority))}
    return min(occurrences, key=lambda seen: (-places.get(seen.source, -1), *seen))


def priority_column(source_priority: Sequence[str]) -> Column:
    """Place of `source` in the priority, 1 first; unlisted sources share the place after the last."""
    if not source_priority:
        return sf.lit(1).cast("bigint")
    place = sf.array_position(sf.array(*(sf.lit(name) for name in source_priority)), sf.col("source"))
    return sf.when(place == 0, sf.lit(len(source_priority) + 1).cast("bigint")).otherwise(place)


def tally(occurrences: DataFrame, files: DataFrame, source_priority: Sequence[str]) -> DataFrame:
    """One row a comparison from the occurrences that are one (comparison_id not null).

    Out: comparison_id; primary (struct priority, source, file_id, row, label_origin, group, comparison_id; the smallest
    one is the primary occurrence); group (its own, else the smallest of the others', null where none has one);
    occurrences (rows); sources (sorted, distinct); test (any file is for tests); and for each label votes_*,
    margin_sum_* (null without margins) and margin_rows_*, of the files for tests alone where there are any. Twin of
    `survivor`.
    """
    primary = sf.struct(
        priority_column(source_priority).alias("priority"), "source", "file_id", "row", "label_origin", "group",
        "comparison_id",
    )  # fmt: skip
    # files is small: one row an input file
    known = occurrences.where(sf.col("comparison_id").isNotNull()).join(
        sf.broadcast(files.select("file_id", "use")), "file_id"
    )
    return known.withColumn("primary", primary).groupBy("comparison_id").agg(
        sf.min("primary").alias("primary"),
        sf.coalesce(sf.min("primary")["group"], sf.min("group")).alias("group"),
        sf.count("*").alias("occurrences"),
        sf.array_sort(sf.collect_set("source")).alias("sources"),
        sf.max(sf.col("use") == "test").alias("test"),
        *(column for label in LABELS for column in _votes(label)),
    )  # fmt: skip


def _votes(label: str) -> tuple[Column, Column, Column]:
    carries = sf.col("label") == label
    margin, test = sf.when(carries, sf.col("margin")), sf.col("use") == "test"
    return (
        counted_column(sf.count, sf.when(carries, 1), test).alias(f"votes_{label}"),
        counted_column(sf.sum, margin, test).alias(f"margin_sum_{label}"),
        counted_column(sf.count, margin, test).alias(f"margin_rows_{label}"),
    )
