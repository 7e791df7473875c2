"""Pending work cut into shards: at most so many rows each, cut alike for equal rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F

SHARD = "synpref_shard"
SHARD_BUCKET = "synpref_bucket"


@dataclass(frozen=True)
class Shard:
    """One unit of work and of commit: the buckets of its rows, their number, and the folders where they are staged."""

    buckets: tuple[int, ...]
    rows: int
    paths: tuple[str, ...]


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
    Rows that fit into one shard are one. Of more rows a bucket is cut by the order of their key's hash, or of the SQL
    `together`: rows that are equal in it fall into one shard, but where it ends. Buckets that follow each other share a
    shard while their rows fit into it. The inputs are computed here and nowhere else, however many shards there are.
    """
    if rows == 0:
        return []
    placed = todo.withColumn(SHARD_BUCKET, F.lit(0) if bucket is None else bucket)
    if rows <= shard_rows:
        placed.write.parquet(folder)
        counts = _counts(todo.sparkSession, folder, SHARD_BUCKET)
        whole = Shard(tuple(number for number, _ in counts), sum(count for _, count in counts), (folder,))
        return [whole] if counts else []
    keys = [F.col(f"`{name}`") for name in key]
    first = [F.expr(sql) for sql in together] or [F.xxhash64(*keys)]
    order = Window.partitionBy(SHARD_BUCKET).orderBy(*first, *keys)
    number = F.floor((F.row_number().over(order) - 1) / F.lit(shard_rows)).cast("int")
    placed.withColumn(SHARD, number).write.partitionBy(SHARD_BUCKET, SHARD).parquet(folder)
    pieces = [
        Shard((place,), count, (f"{folder}/{SHARD_BUCKET}={place}/{SHARD}={cut}",))
        for place, cut, count in _counts(todo.sparkSession, folder, SHARD_BUCKET, SHARD)
    ]
    return joined(pieces, shard_rows)


def joined(pieces: Sequence[Shard], shard_rows: int) -> list[Shard]:
    """Neighbours become one shard while they have at most `shard_rows` rows: each is a commit, however small it is."""
    shards: list[Shard] = []
    for piece in pieces:
        last = shards[-1] if shards else None
        if last is None or last.rows + piece.rows > shard_rows:
            shards.append(piece)
        else:
            shards[-1] = Shard(last.buckets + piece.buckets, last.rows + piece.rows, last.paths + piece.paths)
    return shards


def _counts(spark: SparkSession, folder: str, *names: str) -> list[Row]:
    """The values of these columns of whole numbers and how many rows have them, in order."""
    staged = spark.read.schema(", ".join(f"{name} int" for name in names)).parquet(folder)
    # One row a bucket, or a piece of one.
    return staged.groupBy(*names).count().orderBy(*names).collect()
