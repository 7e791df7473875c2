"""Pending work cut into shards: each in one bucket, at most so many rows, the same cut for the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

SHARD = "synpref_shard"
SHARD_BUCKET = "synpref_bucket"


@dataclass(frozen=True)
class Shard:
    """One unit of work and of commit: its bucket, its staged rows and their number."""

    bucket: int
    number: int
    rows: int
    path: str


def stage_shards(
    todo: DataFrame,
    *,
    key: Sequence[str],
    bucket: Column | None,
    rows: int,
    shard_rows: int,
    folder: str,
    together: Sequence[str] = (),
) -> list[Shard]:
    """Write `todo` (one row a key, about `rows`) to `folder` once, cut into shards, and return them in order.

    The shards tell what was written: another job may have answered some of the rows since they were counted.

    bucket: of a row, 0 and up; None where all rows lie in bucket 0.
    Inside a bucket the rows are taken in the order of their key's hash, or of the SQL `together`: rows that are equal
    in it fall into one shard, but where it ends. The inputs are computed here and nowhere else, however many shards
    there are.
    """
    if rows == 0:
        return []
    if bucket is None and rows <= shard_rows:
        todo.write.parquet(folder)
        written = todo.sparkSession.read.schema(todo.schema).parquet(folder).count()
        return [Shard(0, 0, written, folder)] if written else []
    placed = todo.withColumn(SHARD_BUCKET, F.lit(0) if bucket is None else bucket)
    if rows <= shard_rows:
        placed = placed.withColumn(SHARD, F.lit(0))
    else:
        keys = [F.col(f"`{name}`") for name in key]
        first = [F.expr(sql) for sql in together] or [F.xxhash64(*keys)]
        order = Window.partitionBy(SHARD_BUCKET).orderBy(*first, *keys)
        number = F.floor((F.row_number().over(order) - 1) / F.lit(shard_rows)).cast("int")
        placed = placed.withColumn(SHARD, number)
    placed.write.partitionBy(SHARD_BUCKET, SHARD).parquet(folder)
    return _listed(todo.sparkSession, folder)


def _listed(spark: SparkSession, folder: str) -> list[Shard]:
    places = spark.read.schema(f"{SHARD_BUCKET} int, {SHARD} int").parquet(folder)
    # One row a shard: as many as there will be commits.
    counts = places.groupBy(SHARD_BUCKET, SHARD).count().orderBy(SHARD_BUCKET, SHARD).collect()
    return [
        Shard(bucket, number, rows, f"{folder}/{SHARD_BUCKET}={bucket}/{SHARD}={number}")
        for bucket, number, rows in counts
    ]
