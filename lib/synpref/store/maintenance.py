"""Keeping tables quick to read: small files are compacted every so many commits, old ones removed on request."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import functions as F

from synpref.errors import SettingsError
from synpref.store.conflicts import is_conflict, settled
from synpref.store.contract import BUCKET
from synpref.store.contracts import TABLES
from synpref.store.names import local_folder
from synpref.store.warehouse import Warehouse
from synpref.store.writes import stamped

SAFE_HOURS = 168
_NO_PREDICATE = "[]"  # as Delta's history has it
FEW_FILES = 2  # of a bucket: reading them costs no more than reading one


def optimize_when_due(warehouse: Warehouse, table: str, every: int) -> bool:
    """Compact `table` if its last `every` commits did not and left small files; return whether it was done.

    An OPTIMIZE of some buckets, as within a fill, is none of the table: what came behind it is still small.
    Rows are Z-ordered by the contract's `cluster_by` where there is one. Raises InputError for a missing table.
    """
    if _is_young(warehouse, table, every):
        return False
    predicate = F.coalesce(F.col("operationParameters")["predicate"], F.lit(_NO_PREDICATE)).alias("predicate")
    last = warehouse.delta(table).history(every).select("operation", predicate).collect()
    if len(last) < every or any((row["operation"], row["predicate"]) == ("OPTIMIZE", _NO_PREDICATE) for row in last):
        return False
    if file_count(warehouse, table) <= FEW_FILES * warehouse.bucket_count(table):
        return False
    optimize(warehouse, table)
    return True


def optimize_inference_tables(warehouse: Warehouse, every: int) -> dict[str, bool]:
    """Compact those of the tables that engines fill for which it is due (design.md, Tables); `quarantine` too, to which
    each shard commits of which an engine failed at a row.

    Returns the name of each such table, and whether it was done: not where another job's commits came between each
    time. What that job leaves, a later call compacts; no answer depends on it.
    """
    done: dict[str, bool] = {}
    for name, table in TABLES.items():
        if (table.bucket_key is None and name != "quarantine") or not warehouse.exists(name):
            continue
        try:
            if optimize_when_due(warehouse, name, every):
                done[name] = True
        except Exception as error:
            if not is_conflict(error):
                raise
            done[name] = False
    return done


def optimize(warehouse: Warehouse, table: str) -> None:
    """Compact `table` in one commit, Z-ordered by its `cluster_by` columns where the contract names some."""

    def compact() -> None:
        builder = warehouse.delta(table).optimize()
        if TABLES[table].cluster_by:
            builder.executeZOrderBy(*TABLES[table].cluster_by)
        else:
            builder.executeCompaction()

    with stamped(warehouse.spark, warehouse.stamp):
        settled(compact)


def optimize_buckets(warehouse: Warehouse, table: str, buckets: Collection[int]) -> bool:
    """Compact the files of some buckets of a bucketed `table` in one commit; what lies in others is not read.

    Returns False where another job's commits came between each time: a later call compacts what is left.
    """
    numbers = ", ".join(str(int(bucket)) for bucket in sorted(buckets))
    try:
        with stamped(warehouse.spark, warehouse.stamp):
            settled(lambda: warehouse.delta(table).optimize().where(f"{BUCKET} IN ({numbers})").executeCompaction())
    except Exception as error:
        if not is_conflict(error):
            raise
        return False
    return True


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


def _is_young(warehouse: Warehouse, table: str, every: int) -> bool:
    """Tell without a Spark job that a table has fewer than `every` commits; False where its log is not on this disk."""
    folder = None if warehouse.location.path is None else local_folder(warehouse.location.folder(table))
    log = None if folder is None else folder / "_delta_log"
    return log is not None and log.is_dir() and len(list(log.glob("*.json"))) < every
