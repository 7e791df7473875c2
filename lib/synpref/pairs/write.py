"""Write what was read into the tables, in few commits, and say how the rows add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.pairs.ingest import Ingested

# files comes last: a file that stands there was written whole, whatever killed an earlier run
_ORDER = ("prompts", "responses", "comparisons", "quarantine", "occurrences", "files")
_KEYS = {"prompts": "prompt_id", "responses": "response_id", "comparisons": "comparison_id"}


class Tables(Protocol):
    """What is asked of the warehouse (store/warehouse.py)."""

    def create(self, *tables: str) -> None:
        """Make tables that are not there yet."""

    def read(self, table: str) -> DataFrame:
        """All rows of a table."""

    def insert(self, table: str, rows: DataFrame, bucket: int | None = None, *, unique: bool = False) -> int:
        """Insert rows whose key is new; how many were. unique: no key stands twice in rows."""


@dataclass(frozen=True)
class IngestCounts:
    """How the rows of one input add up: rows_in = comparisons + duplicates + the sum of quarantined."""

    rows_in: int
    comparisons: int
    duplicates: int
    quarantined: dict[str, int]

    def reconcile(self) -> bool:
        """Tell whether every row is accounted for."""
        return self.rows_in == self.comparisons + self.duplicates + sum(self.quarantined.values())


def count_rows(occurrences: DataFrame) -> IngestCounts:
    """Count the occurrences of one input."""
    reasons = occurrences.groupBy("reason").agg(
        F.count("*").alias("rows"), F.count_distinct("comparison_id").alias("comparisons")
    )
    counted = {row["reason"]: (row["rows"], row["comparisons"]) for row in reasons.collect()}  # one row a reason
    usable, distinct = counted.pop(None, (0, 0))
    quarantined = {reason: rows for reason, (rows, _) in sorted(counted.items())}
    return IngestCounts(usable + sum(quarantined.values()), distinct, usable - distinct, quarantined)


def write_ingested(warehouse: Tables, *inputs: Ingested) -> list[IngestCounts]:
    """Insert inputs into the content tables, one commit a table for all of them, and count each from what was parsed.

    Inputs whose files stand in `files` already are not written again; their counts come from `occurrences`. The
    parsed rows are released.
    """
    warehouse.create(*_ORDER)
    known = _known_files(warehouse, inputs)
    fresh = [one for one in inputs if not set(one.file_ids) <= known]
    counts = [count_rows(_counted(warehouse, one, one in fresh)) for one in inputs]
    for table in _ORDER if fresh else ():
        if table == "quarantine" and not any(count.quarantined for count in counts):
            continue
        warehouse.insert(table, _union(table, fresh), unique=True)
    for one in inputs:
        one.release()
    return counts


def _known_files(warehouse: Tables, inputs: Sequence[Ingested]) -> set[str]:
    asked = [file_id for one in inputs for file_id in one.file_ids]
    known = warehouse.read("files").where(F.col("file_id").isin(asked)).select("file_id")
    return {row["file_id"] for row in known.collect()}  # at most the files of these inputs


def _counted(warehouse: Tables, one: Ingested, fresh: bool) -> DataFrame:
    if fresh:
        return one.occurrences
    return warehouse.read("occurrences").where(F.col("file_id").isin(list(one.file_ids)))


def _union(table: str, inputs: Sequence[Ingested]) -> DataFrame:
    frames: list[DataFrame] = [getattr(one, table) for one in inputs]
    rows = reduce(DataFrame.unionByName, frames)
    # within one input keys are distinct already
    return rows.dropDuplicates([_KEYS[table]]) if table in _KEYS and len(frames) > 1 else rows
