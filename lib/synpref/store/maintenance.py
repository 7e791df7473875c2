"""Keeping tables quick to read: small files are compacted every so many commits, old ones removed on request."""

from __future__ import annotations

from pyspark.sql import functions as F

from synpref.errors import SettingsError
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse
from synpref.store.writes import stamped

SAFE_HOURS = 168


def optimize_when_due(warehouse: Warehouse, table: str, every: int) -> bool:
    """Compact `table` if its last `every` commits compacted nothing; return whether it was done.

    Rows are Z-ordered by the contract's `cluster_by` where there is one. Raises InputError for a missing table.
    """
    last = warehouse.delta(table).history(every).select("version", "operation").collect()
    if len(last) < every or any(row["operation"] == "OPTIMIZE" for row in last):
        return False
    optimize(warehouse, table)
    return True


def optimize(warehouse: Warehouse, table: str) -> None:
    """Compact `table` in one commit, Z-ordered by its `cluster_by` columns where the contract names some."""
    builder = warehouse.delta(table).optimize()
    with stamped(warehouse.spark, warehouse.stamp):
        if TABLES[table].cluster_by:
            builder.executeZOrderBy(*TABLES[table].cluster_by)
        else:
            builder.executeCompaction()


def vacuum(warehouse: Warehouse, table: str, hours: float = SAFE_HOURS) -> None:
    """Remove the files that no version of the last `hours` needs.

    Raises SettingsError below a week: a reader, an export or a time travel may still be at work on younger files.
    """
    if hours < SAFE_HOURS:
        raise SettingsError(f"vacuum of {table}: {hours:g} hours is too young, keep at least {SAFE_HOURS}")
    warehouse.delta(table).vacuum(hours)


def file_count(warehouse: Warehouse, table: str) -> int:
    """Return how many data files the last version of `table` has."""
    row = warehouse.delta(table).detail().select(F.col("numFiles")).first()
    return int(row[0]) if row else 0
