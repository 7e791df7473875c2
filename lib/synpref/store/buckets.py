"""Buckets: a key's hash modulo a number that is fixed when the table is made, so that a commit touches one slice."""

from __future__ import annotations

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

PROPERTY = "synpref.buckets"


def bucket_column(key: str, buckets: int) -> Column:
    """Return pmod(xxhash64(`key`), buckets) as int: 0 to buckets - 1."""
    return F.pmod(F.xxhash64(F.col(f"`{key}`")), F.lit(buckets)).cast("int")


def bucket_count(spark: SparkSession, identifier: str) -> int:
    """Return the number of buckets that the table `identifier` was made with; 1 where it says none."""
    # Unlike DESCRIBE DETAIL this reads the table's metadata only and runs no job.
    rows = spark.sql(f"SHOW TBLPROPERTIES {identifier}").filter(F.col("key") == PROPERTY).collect()
    return int(rows[0]["value"]) if rows else 1
