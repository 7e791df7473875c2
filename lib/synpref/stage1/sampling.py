"""Which comparisons of the Stage 1 pool are labelled: seeded, by hash of the comparison."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.pairs.draw import draw_column


def sampled(comparisons: DataFrame, purpose: str, size: int, seed: int) -> DataFrame:
    """At most `size` rows of `comparisons` (column comparison_id), the same on every machine."""
    order = draw_column(seed, purpose, F.col("comparison_id"))
    return comparisons.orderBy(order, "comparison_id").limit(size)


def source_gold(source_labels: DataFrame, in_pool: Column, share: float, seed: int) -> DataFrame:
    """Comparisons of the pool whose file label serves as gold: `share` of all comparisons that are to be curated."""
    of_pool = source_labels.where("use = 'pool'")
    candidates = of_pool.where(in_pool & F.col("label").isin("a", "b"))
    return sampled(candidates, "gold", round(share * of_pool.count()), seed)
