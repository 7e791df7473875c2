"""Who may see what: the role of every comparison of a campaign (design.md, paper.md §2, §10.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from synpref.pairs.draw import draw_column

ROLE_COLUMNS = ("campaign", "iteration", "comparison_id", "role", "side", "fold")


def pool_side(seed: int, pool_sources: Sequence[str], pool_share: float) -> Column:
    """Whether a comparison belongs to D_un (stage1_pool) rather than D_wild, over columns source and comparison_id."""
    if pool_sources:
        return F.col("source").isin(list(pool_sources))
    return draw_column(seed, "pool", F.col("comparison_id")) < F.lit(pool_share)


def seed_roles(
    source_labels: DataFrame, human: DataFrame, sides: Mapping[str, str], in_pool: Column, campaign: str
) -> DataFrame:
    """Iteration 0: one row a comparison of the campaign.

    source_labels: the campaign's. human: (comparison_id, label), label null where people could not decide.
    sides: group to hold-out side. in_pool: pool_side. Rows that only the final measurement may read (use = test), and
    all other comparisons of held-out groups, are held_out.
    """
    spark = source_labels.sparkSession
    groups = _sides_frame(spark, sides)
    test_groups = source_labels.where("use = 'test'").select("group").distinct().withColumn("of_test", F.lit(True))
    # groups with a side are as few as gold, groups of test inputs as few as those; both are broadcast when small
    joined = (
        source_labels.join(groups, "group", "left")
        .join(test_groups, "group", "left")
        .join(human.withColumn("asked", F.lit(True)).withColumnRenamed("label", "human"), "comparison_id", "left")
    )
    side = F.when(F.col("of_test"), "test").otherwise(F.col("side"))
    role = (
        F.when(F.col("of_test"), "held_out")
        .when(F.col("asked") & F.col("human").isNull(), "discarded")
        .when(F.col("asked") & F.col("side").isNull(), "gold-train")
        .when(F.col("asked"), F.concat(F.lit("gold-"), F.col("side")))
        .when(F.col("side").isNotNull(), "held_out")
        .when(in_pool, "stage1_pool")
        .otherwise("wild")
    )
    return _rows(joined.select("comparison_id", role.alias("role"), side.alias("side")), campaign, 0)


def current_roles(roles: DataFrame, campaign: str, until: int | None = None) -> DataFrame:
    """The role that counts, one row a comparison: comparison_id, role, side, fold.

    until: as of this iteration; None: now. A run that repeats earlier iterations must not see what came later.
    """
    own = roles.where(F.col("campaign") == campaign)
    if until is not None:
        own = own.where(F.col("iteration") <= until)
    latest = F.max_by(F.struct("role", "side", "fold"), "iteration").alias("now")
    return own.groupBy("comparison_id").agg(latest).select("comparison_id", "now.role", "now.side", "now.fold")


def roles_before_judges(roles: DataFrame, campaign: str, iteration: int) -> DataFrame:
    """The role that counts when judges are about to be asked in this iteration: what people changed in it is seen.

    Silver that an earlier run of the same iteration left is not, so that a second run retrieves what the first did.
    """
    by_judges = (F.col("iteration") == iteration) & (F.col("role") == "silver")
    return current_roles(roles.where(~by_judges), campaign, until=iteration)


def changed_roles(comparisons: DataFrame, role: str, campaign: str, iteration: int) -> DataFrame:
    """Rows of `roles` that give all these comparisons (column comparison_id) a new role from this iteration on."""
    return _rows(comparisons.select("comparison_id", F.lit(role).alias("role")), campaign, iteration)


def seed_with_silver(roles: DataFrame, labelled: DataFrame, campaign: str) -> DataFrame:
    """The rows of iteration 0, those of the comparisons (column comparison_id) that judges labelled in it as silver.

    They take the place of the seed's rows, because a comparison has one role an iteration.
    """
    seed = roles.where((F.col("campaign") == campaign) & (F.col("iteration") == 0))
    # judges label few comparisons of the pool
    joined = seed.join(labelled.select("comparison_id", F.lit(True).alias("labelled")), "comparison_id", "left")
    role = F.when(F.col("labelled"), "silver").otherwise(F.col("role"))
    return joined.withColumn("role", role).select(*ROLE_COLUMNS)


def twins(taken: DataFrame, among: DataFrame, comparisons: DataFrame) -> DataFrame:
    """comparison_id of those among that differ from one taken in case, white space or punctuation only.

    taken, among: comparison_id. comparisons: the table, for its normalised_comparison_id.
    """
    ids = comparisons.select("comparison_id", "normalised_comparison_id")
    # what is taken is gold and the held-out groups, a part of the pool; the ids of the pool are joined on their key
    same = taken.select("comparison_id").join(ids, "comparison_id").select("normalised_comparison_id")
    others = among.join(taken.select("comparison_id"), "comparison_id", "left_anti").join(ids, "comparison_id")
    return others.join(same, "normalised_comparison_id", "left_semi").select("comparison_id")


def twins_across_groups(among: DataFrame, comparisons: DataFrame) -> DataFrame:
    """comparison_id of those among that equal one of another group once normalised, but the group of the first stays.

    among: comparison_id, group. comparisons: the table. First: of the smallest comparison_id. Twins of one group stay
    together, whatever splits groups.
    """
    ids = comparisons.select("comparison_id", "normalised_comparison_id")
    # large with large, on the key
    named = among.select("comparison_id", "group").join(ids, "comparison_id")
    alike = Window.partitionBy("normalised_comparison_id")
    first = F.min(F.struct("comparison_id", "group")).over(alike)
    return named.withColumn("first", first["group"]).where(~F.col("group").eqNullSafe(F.col("first"))).select(
        "comparison_id"
    )  # fmt: skip


def discarding(rows: DataFrame, discarded: DataFrame) -> DataFrame:
    """Rows of one iteration, those of `discarded` (comparison_id) with that role."""
    # the discarded are few
    joined = rows.join(discarded.withColumn("gone", F.lit(True)), "comparison_id", "left")
    role = F.when(F.col("gone"), "discarded").otherwise(F.col("role"))
    return joined.withColumn("role", role).select(*ROLE_COLUMNS)


def fold_column(seed: int, key: Column) -> Column:
    """Half (0 or 1) for cross-fitting; key: group, or comparison_id where groups are few (design.md)."""
    return (draw_column(seed, "fold", key) * 2).cast("int")


def folded_roles(comparisons: DataFrame, fold: Column, campaign: str, iteration: int) -> DataFrame:
    """Rows of `roles` that make these comparisons wild, with the half that scores them."""
    return _rows(
        comparisons.select("comparison_id", F.lit("wild").alias("role"), fold.alias("fold")), campaign, iteration
    )


def _rows(frame: DataFrame, campaign: str, iteration: int) -> DataFrame:
    missing = {
        name: F.lit(None).cast(kind)
        for name, kind in (("side", "string"), ("fold", "int"))
        if name not in frame.columns
    }
    stamped = frame.withColumns({"campaign": F.lit(campaign), "iteration": F.lit(iteration).cast("int"), **missing})
    return stamped.select(*ROLE_COLUMNS)


def _sides_frame(spark: SparkSession, sides: Mapping[str, str]) -> DataFrame:
    return spark.createDataFrame(sorted(sides.items()), "`group` string, side string")
