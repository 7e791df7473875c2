"""Inputs that are Delta tables: read by their log, since a folder also holds files that were replaced or removed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from synpref.errors import InputError

_ASKED_AT_ONCE = 16  # folders; each is a few requests to an object store
_WHY = "whose folders also hold files that the table has replaced or removed"
_MEND = (
    "Is its log whole (_delta_log), and written by a version of Delta that this one can read? Restore it, or read the "
    "table where it can be read and write its rows as plain parquet."
)
_CHARACTERS = 400  # of what Delta says
_LOG = "_delta_log"
_PATTERN = re.compile(r"[\[\]{}*?\\]")


def table_version(spark: SparkSession, path: str) -> int | None:
    """The last version of the Delta table whose folder `path` is; None where it is none.

    Raises InputError where `path` (a file, folder or pattern) lies inside a table's folder, or cannot be looked at, or
    where the table's log cannot be read.
    """
    if not _in_table(spark, path):
        return None
    if _in_table(spark, _above(path)):
        raise InputError(f"{path}: lies inside the Delta table {_root(spark, path)}, {_WHY}. Name the table's folder.")
    with table_readable(path):
        last = DeltaTable.forPath(spark, path).history(1).select("version").first()
        if last is None:
            raise InputError(f"{path}: the Delta table's log holds no version. {_MEND}")
    return int(last[0])


@contextmanager
def table_readable(path: str) -> Iterator[None]:
    """Turn what Delta cannot read of the table at `path` inside the block into an InputError that names it and why."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:  # which of the two depends on where Delta stumbled
        raise InputError(f"{path}: cannot be read as a Delta table: {_reason(error)}. {_MEND}") from error


def _reason(error: Exception) -> str:
    """What Delta says is wrong, where it says so; else what was met first, without the traces that lead there."""
    lines = [line.strip().removeprefix(": ") for line in str(error).splitlines()]
    told = [line for line in lines if "[DELTA_" in line] or [line for line in lines if not line.startswith("An error")]
    reason = told[0] if told else type(error).__name__
    return reason[reason.find("[DELTA_") if "[DELTA_" in reason else 0 :][:_CHARACTERS].rstrip(". ")


def read_version(spark: SparkSession, path: str, version: int) -> DataFrame:
    """The rows of the table at `path` as they were at `version`."""
    return spark.read.format("delta").option("versionAsOf", version).load(path)


def check_no_table(spark: SparkSession, path: str, files: Iterable[str]) -> None:
    """Raise InputError where a file of the input `path`, which is no table itself, belongs to a Delta table."""
    folders = sorted(_folders_below(path, files))
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
        held = threads.map(lambda folder: _holds_log(spark, folder), folders)
        found = {folder for folder, holds in zip(folders, held, strict=True) if holds}
    tables = sorted(folder for folder in found if found.isdisjoint(_all_above(folder)))
    if tables:
        more = f" and {len(tables) - 1} more" if len(tables) > 1 else ""
        raise InputError(
            f"{path}: holds the Delta table {tables[0]}{more}, {_WHY}. Name the folder of each table as an input of "
            "its own, and other files by themselves."
        )


def _folders_below(path: str, files: Iterable[str]) -> set[str]:
    """Each folder that holds one of the files somewhere below, but for those that `table_version` has looked at."""
    looked_at, folders = _above(_PATTERN.split(path)[0] + "*"), {""}
    for file in files:
        for folder in _all_above(file):
            if folder == looked_at or folder in folders:
                break
            folders.add(folder)
    return folders - {""}


def _holds_log(spark: SparkSession, folder: str) -> bool:
    """Tell whether a folder is that of a Delta table. Delta itself would look through all folders above it, too."""
    if folder.startswith("/"):  # of files on the driver's own disk, whatever file system is the session's first
        return Path(folder, _LOG).is_dir()
    jvm: Any = spark.sparkContext._jvm
    context: Any = spark.sparkContext._jsc
    log = jvm.org.apache.hadoop.fs.Path(f"{folder}/{_LOG}")
    try:
        return bool(log.getFileSystem(context.hadoopConfiguration()).exists(log))
    except Py4JJavaError as error:
        raise InputError(f"{folder}: cannot be looked at: {_reason(error)}") from error


def _root(spark: SparkSession, path: str) -> str:
    while _in_table(spark, _above(path)):
        path = _above(path)
    return path


def _all_above(path: str) -> Iterator[str]:
    """The folders that hold it, the nearest first."""
    while path := _above(path):
        yield path


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
