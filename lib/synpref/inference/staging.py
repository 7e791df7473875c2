"""A folder for what is computed but not yet committed; it goes when the fill ends, and leftovers of a kill later."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from synpref.errors import SettingsError
from synpref.store.names import Location

FOLDER = "_staging"
# No shard takes a day: what is older belongs to a job that was killed.
LEFTOVER_SECONDS = 24 * 3600.0


def staging_root(location: Location, folder: str | None) -> str:
    """The folder that holds all staging: `folder` where given, else one beside the tables. SettingsError where the
    tables live in a catalog and no folder (for example of a volume) is given.
    """
    if folder is not None:
        return folder.rstrip("/")
    if location.path is None:
        raise SettingsError("the tables live in a catalog: name a staging folder that all workers can write to")
    return f"{location.path.rstrip('/')}/{FOLDER}"


@contextmanager
def staged(spark: SparkSession, root: str, label: str) -> Iterator[str]:
    """A new folder's path under `root`, removed at the end together with leftovers of killed jobs."""
    folder = f"{root}/{label}-{uuid.uuid4().hex}"
    try:
        yield folder
    finally:
        remove(spark, folder)
        remove_leftovers(spark, root)


def remove(spark: SparkSession, folder: str) -> None:
    """Remove a folder on whatever file system it lies; one that is not there is fine."""
    system, path = _file_system(spark, folder)
    system.delete(path, True)


def remove_leftovers(spark: SparkSession, root: str, older_than: float = LEFTOVER_SECONDS) -> int:
    """Remove the folders under `root` that nothing changed for `older_than` seconds; returns how many."""
    system, path = _file_system(spark, root)
    if not system.exists(path):
        return 0
    now = time.time()
    old = [entry for entry in system.listStatus(path) if now - entry.getModificationTime() / 1000 > older_than]
    for entry in old:
        system.delete(entry.getPath(), True)
    return len(old)


def local_folder(spark: SparkSession, folder: str) -> Path | None:
    """The folder as a path of this machine's disk, made if need be; None where it lies elsewhere."""
    system, path = _file_system(spark, folder)
    if system.getScheme() != "file":
        return None
    system.mkdirs(path)
    return Path(path.toUri().getPath())


def _file_system(spark: SparkSession, folder: str) -> tuple[Any, Any]:
    # Spark has no public call to delete files; Hadoop's file system is what it uses itself, on every store.
    jvm: Any = spark.sparkContext._jvm
    path = jvm.org.apache.hadoop.fs.Path(folder)
    context: Any = spark.sparkContext._jsc
    return path.getFileSystem(context.hadoopConfiguration()), path
