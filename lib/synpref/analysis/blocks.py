"""Groups as a bounded number of blocks, so that what an interval needs stays small however much data there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MAX_BLOCKS = 2000


def with_blocks(rows: DataFrame, limit: int = MAX_BLOCKS) -> DataFrame:
    """Add `block` to rows that have `group`: the group itself, or one of `limit` hash blocks where groups are more.

    Whole groups stay in one block, so resampling blocks is resampling groups, only coarser. Runs one job, a count.
    """
    if rows.select("group").distinct().limit(limit + 1).count() <= limit:
        return rows.withColumn("block", sf.col("group"))
    return rows.withColumn("block", sf.pmod(sf.xxhash64("group"), sf.lit(limit)).cast("string"))
