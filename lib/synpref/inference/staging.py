"""A folder for what is computed but not yet committed; it goes when the fill ends, and leftovers of a kill later."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from synpref.errors import SettingsError
from synpref.store.names import Location

_LOG = logging.getLogger(__name__)

FOLDER = "_staging"
# A file that a living job touches: stores differ in what they say of a folder's own age.
HEARTBEAT = "alive"
SECONDS_BETWEEN_BEATS = 600.0
# What was not touched for a day belongs to a job that was killed.
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
    """A new folder's path under `root`, removed at the end together with leftovers of killed jobs.

    Its heart beats until then, however long a shard takes.
    """
    folder = f"{root}/{label}-{uuid.uuid4().hex}"
    stop = threading.Event()
    heart = threading.Thread(target=_keep_beating, args=(spark, folder, stop), daemon=True)
    heart.start()
    try:
        beat(spark, folder)
        yield folder
    finally:
        stop.set()
        heart.join()  # a beat behind the removal would make the folder again
        remove(spark, folder)
        remove_leftovers(spark, root)


def beat(spark: SparkSession, folder: str) -> None:
    """Touch the heartbeat of a folder of `staged`, made if need be: other jobs leave it alone for a day."""
    system, path = _file_system(spark, f"{folder}/{HEARTBEAT}")
    system.create(path, True).close()


def _keep_beating(spark: SparkSession, folder: str, stop: threading.Event) -> None:
    while not stop.wait(SECONDS_BETWEEN_BEATS):
        try:
            beat(spark, folder)
        except (Py4JError, PySparkException) as error:  # a store that is away for some minutes ends no job
            _LOG.warning("the heartbeat of %s could not be touched: %s", folder, str(error))


def remove(spark: SparkSession, folder: str) -> None:
    """Remove a folder on whatever file system it lies; one that is not there is fine."""
    system, path = _file_system(spark, folder)
    system.delete(path, True)


def remove_leftovers(spark: SparkSession, root: str, older_than: float = LEFTOVER_SECONDS) -> int:
    """Remove the folders under `root` without a heartbeat (or, without its file, a change) for `older_than` seconds;
    returns how many.
    """
    system, path = _file_system(spark, root)
    if not system.exists(path):
        return 0
    oldest, removed = (time.time() - older_than) * 1000, 0
    for entry in system.listStatus(path):
        beaten = _heartbeat(spark, entry.getPath().toString())
        if (entry.getModificationTime() if beaten is None else beaten) < oldest:
            system.delete(entry.getPath(), True)
            removed += 1
    return removed


def _heartbeat(spark: SparkSession, folder: str) -> int | None:
    """When the folder's heartbeat was last touched, in milliseconds since 1970; None where it has none."""
    system, path = _file_system(spark, f"{folder}/{HEARTBEAT}")
    try:
        return int(system.getFileStatus(path).getModificationTime())
    except Py4JJavaError:  # it never was, or its job ended since the folders were listed
        return None


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
