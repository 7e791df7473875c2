"""The staging table of a publication: written aside, read by the check and by the swap, gone afterwards."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import DataFrame

from synpref.store.names import Location

STAGING = "_staging"


@contextmanager
def staged(rows: DataFrame, location: Location, name: str) -> Iterator[DataFrame]:
    """Write `rows` to a staging table beside table `name` and give them as read back from it.

    So what is checked is what gets published, and nothing is computed twice. The staging table is removed however the
    block ends; on an object store in path mode its rows are deleted and its small log folder stays.
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
    folder = location.folder(f"{STAGING}_{unique}")
    try:
        rows.write.format("delta").save(folder)
        yield rows.sparkSession.read.format("delta").load(folder)
    finally:
        _remove(rows, folder)


def _remove(rows: DataFrame, folder: str) -> None:
    if Path(folder).is_dir():
        shutil.rmtree(folder)
    elif DeltaTable.isDeltaTable(rows.sparkSession, folder):
        DeltaTable.forPath(rows.sparkSession, folder).delete()
