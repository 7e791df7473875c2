"""Which comparisons of the Stage 1 pool are labelled: seeded, by hash of the comparison."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.pairs.draw import draw_column


def sampled(comparisons: DataFrame, purpose: str, size: int, seed: int) -> DataFrame:
    """At most `size` rows of `comparisons` (column comparison_id), the same on every machine."""
    order = draw_column(seed, purpose, F.col("comparison_id"))
    return comparisons.orderBy(order, "comparison_id").limit(size)


def outside_tests(source_labels: DataFrame) -> DataFrame:
    """Rows to be curated: use = pool, in a group without a row of use = test.

    Such groups are held out whole whatever people say (roles.seed_roles): a label of gold there would be of no use.
    """
    tests = source_labels.where("use = 'test'").select("group").distinct()
    # groups of test inputs are as few as those
    return source_labels.where("use = 'pool'").join(tests, "group", "left_anti")


def source_gold(source_labels: DataFrame, in_pool: Column, share: float, seed: int) -> DataFrame:
    """Comparisons of the pool whose file label serves as gold: `share` of all comparisons that are to be curated."""
    of_pool = outside_tests(source_labels)
    candidates = of_pool.where(in_pool & F.col("label").isin("a", "b"))
    return sampled(candidates, "gold", round(share * of_pool.count()), seed)
