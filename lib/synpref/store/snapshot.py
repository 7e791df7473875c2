"""A DataFrame as a folder of Parquet files that is there as a whole or not at all."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from pyspark.sql import DataFrame

from synpref.store.names import local_folder


def export_parquet(rows: DataFrame, folder: Path | str, *, files: int | None = None) -> None:
    """Write `rows` to `folder`, in the place of what was there; `files` bounds how many Parquet files there are.

    On a local path the rows are written beside it and renamed, so a reader never meets half of them. An object store
    (s3://, abfss://, ...) knows no rename: there the writer's own commit protocol stands for that.
    """
    writer = (rows if files is None else rows.coalesce(files)).write.mode("overwrite")
    target = local_folder(str(folder))
    if target is None:
        writer.parquet(str(folder))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}")
    old = beside.with_name(f"{beside.name}.old")
    try:
        # with its scheme: without one, the path would mean the cluster's own file system where that is the default
        writer.parquet(f"file://{beside.absolute()}")
        if target.exists():
            target.rename(old)
        beside.rename(target)
    finally:
        for leftover in (beside, old):
            shutil.rmtree(leftover, ignore_errors=True)
