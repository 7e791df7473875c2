"""Inputs that are Delta tables: read by their log, since a folder also holds files that were replaced or removed."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from synpref.errors import InputError

_ASKED_AT_ONCE = 16  # folders; each is a few requests to an object store
_WHY = "whose folders also hold files that the table has replaced or removed"


def table_version(spark: SparkSession, path: str) -> int | None:
    """The last version of the Delta table whose folder `path` is; None where it is none.

    Raises InputError where `path` (a file, folder or pattern) lies inside a table's folder, or cannot be looked at.
    """
    if not _in_table(spark, path):
        return None
    if _in_table(spark, _above(path)):
        raise InputError(f"{path}: lies inside the Delta table {_root(spark, path)}, {_WHY}. Name the table's folder.")
    last = DeltaTable.forPath(spark, path).history(1).select("version").first()
    return int(last[0]) if last else 0


def read_version(spark: SparkSession, path: str, version: int) -> DataFrame:
    """The rows of the table at `path` as they were at `version`."""
    return spark.read.format("delta").option("versionAsOf", version).load(path)


def check_no_table(spark: SparkSession, path: str, files: Iterable[str]) -> None:
    """Raise InputError where a file of the input `path`, which is no table itself, belongs to a Delta table."""
    folders = sorted({_above(file) for file in files})
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
        inside = list(threads.map(lambda folder: _in_table(spark, folder), folders))
    tables = sorted({_root(spark, folder) for folder, found in zip(folders, inside, strict=True) if found})
    if tables:
        more = f" and {len(tables) - 1} more" if len(tables) > 1 else ""
        raise InputError(
            f"{path}: holds the Delta table {tables[0]}{more}, {_WHY}. Name the folder of each table as an input of "
            "its own, and other files by themselves."
        )


def _root(spark: SparkSession, path: str) -> str:
    while _in_table(spark, _above(path)):
        path = _above(path)
    return path


def _above(path: str) -> str:
    """The folder that holds it; empty where there is none to name."""
    above = path.rstrip("/").rpartition("/")[0]
    return "" if above.endswith((":", ":/")) else above


def _in_table(spark: SparkSession, path: str) -> bool:
    """Tell whether a path is the folder of a Delta table or lies in one: Delta looks in the folders above, too."""
    if not path:
        return False
    try:
        return DeltaTable.isDeltaTable(spark, path)
    except Exception as error:  # py4j's own exception or one of Spark's, by what is wrong with the path
        raise InputError(f"{path}: cannot be looked at: {str(error).strip().splitlines()[0]}") from error
