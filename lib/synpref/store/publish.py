"""The staging of a publication: written aside, read by the check and by the swap, gone afterwards."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import DataFrame

from synpref.store.names import Location, local_folder

STAGING = "_staging"


@contextmanager
def staged(rows: DataFrame, location: Location, name: str) -> Iterator[DataFrame]:
    """Write `rows` to a staging beside table `name` and give them as read back from it.

    So what is checked is what gets published, and nothing is computed twice. The staging is removed however the block
    ends; on an object store in path mode an empty file of it stays.
    """
    unique = f"{name}_{uuid.uuid4().hex[:12]}"
    if location.path is None:
        identifier = location.identifier(f"{STAGING}_{unique}")
        try:
            rows.write.format("delta").saveAsTable(identifier)
            yield rows.sparkSession.read.table(identifier)
        finally:
            rows.sparkSession.sql(f"DROP TABLE IF EXISTS {identifier}")
        return
    # Parquet without a log: nobody but us reads it, and it costs half of a Delta commit.
    folder = location.folder(f"{STAGING}_{unique}")
    try:
        rows.write.parquet(folder)
        yield rows.sparkSession.read.schema(rows.schema).parquet(folder)
    finally:
        _remove(rows, folder)


def _remove(rows: DataFrame, folder: str) -> None:
    local = local_folder(folder)
    # A path without a scheme means the cluster's own file system on some clusters: then nothing of it is here.
    if local is not None and local.parent.is_dir():
        shutil.rmtree(local, ignore_errors=True)
    else:
        rows.sparkSession.createDataFrame([], rows.schema).write.mode("overwrite").parquet(folder)
