"""Write what was read into the tables, in few commits, and say how the rows add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.errors import SynprefError
from synpref.pairs import content
from synpref.pairs.files import damaged_files_named
from synpref.pairs.ingested import Ingested
from synpref.pairs.labels_from_one import refuse_labels_from_one

# files comes last: a file that stands there was written whole, whatever killed an earlier run
_ORDER = ("prompts", "responses", "comparisons", "quarantine", "occurrences", "files")


class Tables(Protocol):
    """What is asked of the warehouse (store/warehouse.py)."""

    def create(self, *tables: str) -> None:
        """Make tables that are not there yet."""

    def read(self, table: str) -> DataFrame:
        """All rows of a table."""

    def insert(self, table: str, rows: DataFrame, *, unique: bool = False) -> int:
        """Insert rows whose key is new; how many were. unique: no key stands twice in rows."""


@dataclass(frozen=True)
class IngestCounts:
    """How the rows of one input add up: rows_in = comparisons + duplicates + the sum of quarantined.

    rows_in is what was read (`files`), the others are what stands in `occurrences`. ungrouped: of comparisons and
    duplicates, the rows without a group of their own.
    """

    rows_in: int
    comparisons: int
    duplicates: int
    quarantined: dict[str, int]
    ungrouped: int = 0

    def reconcile(self) -> bool:
        """Tell whether every row is accounted for."""
        return self.rows_in == self.comparisons + self.duplicates + sum(self.quarantined.values())

    def fallback(self, column: str | None) -> str | None:
        """Words about the rows that have no group in the column; None where each has one, or no column is named."""
        if column is None or not self.ungrouped:
            return None
        rows = self.comparisons + self.duplicates
        return f"{self.ungrouped} of {rows} rows have no group in {column}: theirs is that of their prompt"


def count_rows(files: DataFrame, occurrences: DataFrame, file_ids: Sequence[Sequence[str]]) -> list[IngestCounts]:
    """Count the rows of each of several inputs, given by the ids of their files."""
    owners = [(file_id, index) for index, ids in enumerate(file_ids) for file_id in ids]
    inputs = occurrences.sparkSession.createDataFrame(owners, "file_id string, input int")
    counted = (
        occurrences.join(F.broadcast(inputs), "file_id")  # inputs is small: one row a file
        .groupBy("input", "reason")
        .agg(
            F.count("*").alias("rows"),
            F.count_distinct("comparison_id").alias("comparisons"),
            F.count_if(F.col("group").isNull()).alias("ungrouped"),
        )
    )
    found = {
        (row["input"], row["reason"]): (row["rows"], row["comparisons"], row["ungrouped"]) for row in counted.collect()
    }
    read = files.join(F.broadcast(inputs), "file_id").groupBy("input").agg(F.sum("rows").alias("rows")).collect()
    rows_in = {row["input"]: row["rows"] for row in read}
    of_input = [{reason: three for (one, reason), three in found.items() if one == i} for i in range(len(file_ids))]
    return [_counts(rows_in.get(index, 0), counts) for index, counts in enumerate(of_input)]


def _counts(rows_in: int, found: dict[str | None, tuple[int, int, int]]) -> IngestCounts:
    usable, distinct, ungrouped = found.get(None, (0, 0, 0))
    quarantined = {reason: rows for reason, (rows, _, _) in found.items() if reason is not None}
    refused = dict(sorted(quarantined.items()))
    return IngestCounts(rows_in, distinct, usable - distinct, refused, ungrouped)


def write_ingested(warehouse: Tables, *inputs: Ingested) -> list[IngestCounts]:
    """Insert inputs into the content tables, one commit a table for all of them, and count each.

    Inputs whose files stand in `files` already are neither parsed nor written again. Raises InputError for a damaged
    file and for one whose labels are 1 and 2, SynprefError where the tables do not hold each row of the files once.
    """
    warehouse.create(*_ORDER)
    known = _known_files(warehouse, inputs)
    fresh = [one for one in inputs if not set(one.file_ids) <= known]
    if fresh:
        _write(warehouse, fresh)
    counts = count_rows(warehouse.read("files"), warehouse.read("occurrences"), [one.file_ids for one in inputs])
    for one, count in zip(inputs, counts, strict=True):
        if not count.reconcile():
            raise SynprefError(f"input {one.source}: what stands in the tables does not add up to its rows: {count}")
    return counts


def _write(warehouse: Tables, inputs: Sequence[Ingested]) -> None:
    rows = reduce(DataFrame.unionByName, (one.rows for one in inputs))
    # Parsed once, on disk; a cache would carry the whole plan of parsing through each of the commits
    with damaged_files_named():
        rows = rows.localCheckpoint(eager=True, storageLevel=StorageLevel.DISK_ONLY)
    labelled = {file.file_id: file.path for one in inputs if one.shape == "labelled" for file in one.read}
    if labelled:
        refuse_labels_from_one(rows, labelled)
    described = [file for one in inputs for file in one.described()]
    tables = {
        "prompts": content.prompts(rows),
        "responses": content.responses(rows),
        "comparisons": content.comparisons(rows),
        "quarantine": content.quarantine(rows),
        "occurrences": content.occurrences(rows),
        "files": content.files(rows, described),
    }
    for table in _ORDER:
        if table != "quarantine" or not tables[table].isEmpty():
            warehouse.insert(table, tables[table], unique=True)


def _known_files(warehouse: Tables, inputs: Sequence[Ingested]) -> set[str]:
    asked = [file_id for one in inputs for file_id in one.file_ids]
    known = warehouse.read("files").where(F.col("file_id").isin(asked)).select("file_id")
    return {row["file_id"] for row in known.collect()}  # at most the files of these inputs
