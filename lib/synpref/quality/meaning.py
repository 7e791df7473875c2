"""What a published table must mean, beyond its types (design.md, What must hold): decisions and the curated mix."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.errors import GateError
from synpref.quality.gate import Gate

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

HELD_OUT = ("held_out", "gold-validation", "gold-test")


def check_decisions(
    gate: Gate,
    decisions: DataFrame,
    pool: DataFrame,
    source_labels: DataFrame,
    *,
    min_keep_share: float,
    max_flip_share: float,
    max_source_drop: float,
    min_source_rows: int,
    suite: str = "stage2 decisions",
) -> None:
    """Hold the decisions of one campaign and policy to their contract and meaning; raises GateError.

    pool: the comparisons to decide, one row each (comparison_id). source_labels: comparison_id, source, label.
    Shares are of a source's decided comparisons that it orders, for sources with at least `min_source_rows` of them.
    """
    gate.check_contract(decisions, table="decisions", suite=suite)
    gate.check(
        as_local(decision_totals(decisions, pool)),
        table="decisions",
        suite=f"{suite} totals",
        expectations=none_of("undecided", "outside_pool", "unscored_gold", "unscored_best", "bad_probability"),
        observe=True,
    )
    shares = as_local(source_shares(decisions, source_labels, min_source_rows))
    bounds = share_bounds(min_keep_share, max_flip_share, max_source_drop)
    try:
        gate.check(shares, table="decisions", suite=f"{suite} shares", expectations=bounds, observe=True)
    except GateError as error:
        # One row a source, and a person must know which one it was.
        told = json.dumps([row.asDict() for row in shares.orderBy("source").collect()])
        raise GateError(f"{error}; by source: {told}") from None


def check_curated(
    gate: Gate,
    curated: DataFrame,
    decisions: DataFrame,
    source_labels: DataFrame,
    roles: DataFrame,
    *,
    suite: str = "stage2 curated",
) -> None:
    """Hold the curated rows of one campaign and policy to their contract and meaning; raises GateError.

    decisions: those the mix takes (comparison_id, decision). source_labels: comparison_id, group. roles: the current
    ones (comparison_id, role).
    """
    gate.check_contract(curated, table="curated", suite=suite)
    gate.check(
        as_local(curated_totals(curated, decisions, source_labels, roles)),
        table="curated",
        suite=f"{suite} totals",
        expectations=none_of("of_held_out_groups", "not_curated", "not_decided"),
        observe=True,
    )


def decision_totals(decisions: DataFrame, pool: DataFrame) -> DataFrame:
    """Return one row of counts: pool and decided, and what of them does not reconcile or was not scored.

    undecided: of the pool without a decision; outside_pool: decided without being of it; unscored_gold, unscored_best:
    of wild without that model's probability, unless it refused a response (reason `unscored`); bad_probability: outside
    0 to 1, NaN included.
    """
    told = decisions.select("comparison_id", "role", "reason", "p_gold", "p_best", F.lit(True).alias("decided"))
    # Both sides are as large as the pool and carry ids and numbers only.
    joined = told.join(pool.select("comparison_id", F.lit(True).alias("of_pool")), "comparison_id", "full")
    decided, of_pool = F.col("decided").isNotNull(), F.col("of_pool").isNotNull()
    to_be_scored = decided & (F.col("role") == "wild") & (F.col("reason") != "unscored")
    return joined.agg(
        _count(decided).alias("decided"),
        _count(of_pool).alias("pool"),
        _count(of_pool & ~decided).alias("undecided"),
        _count(decided & ~of_pool).alias("outside_pool"),
        _count(to_be_scored & F.col("p_gold").isNull()).alias("unscored_gold"),
        _count(to_be_scored & F.col("p_best").isNull()).alias("unscored_best"),
        _count(_no_probability("p_gold") | _no_probability("p_best")).alias("bad_probability"),
    )


def source_shares(decisions: DataFrame, source_labels: DataFrame, min_rows: int) -> DataFrame:
    """Return source, rows, keep_share, flip_share, drop_share of the decided comparisons that their source orders.

    Sources with fewer than `min_rows` are left out: their shares say nothing.
    """
    ordered = source_labels.where(F.col("label").isin("a", "b")).select("comparison_id", "source")
    # Both are as large as the pool, joined by id; what comes out is one row a source.
    joined = decisions.select("comparison_id", "decision").join(ordered, "comparison_id")
    decision = F.col("decision")
    shares = [F.avg((decision == name).cast("int")).alias(f"{name}_share") for name in ("keep", "flip", "drop")]
    return joined.groupBy("source").agg(F.count(F.lit(1)).alias("rows"), *shares).where(F.col("rows") >= min_rows)


def share_bounds(min_keep_share: float, max_flip_share: float, max_source_drop: float) -> list[Expectation]:
    """Return the bounds of `source_shares`: enough kept, not too much flipped, no source that collapses."""
    from synpref.quality.expectations import ExpectColumnValuesToBeBetween

    return [
        ExpectColumnValuesToBeBetween(column="keep_share", min_value=min_keep_share, max_value=1),
        ExpectColumnValuesToBeBetween(column="flip_share", min_value=0, max_value=max_flip_share),
        ExpectColumnValuesToBeBetween(column="drop_share", min_value=0, max_value=max_source_drop),
    ]


def curated_totals(curated: DataFrame, decisions: DataFrame, source_labels: DataFrame, roles: DataFrame) -> DataFrame:
    """Return one row of counts over the curated rows and the decisions that the mix takes.

    of_held_out_groups: curated rows whose group holds a held-out, validation or test comparison; not_curated: decided
    but missing; not_decided: curated without such a decision, or with another one.
    """
    groups = source_labels.select("comparison_id", "group")
    # Held-out comparisons are few: the groups they name are broadcast by size.
    held_out = roles.where(F.col("role").isin(*HELD_OUT)).select("comparison_id").join(groups, "comparison_id")
    closed = held_out.select("group").distinct().withColumn("closed", F.lit(True))
    told = decisions.select("comparison_id", F.col("decision").alias("decided"))
    # All sides are as large as the pool, ids only.
    joined = (
        curated.select("comparison_id", F.col("decision").alias("taken"))
        .join(told, "comparison_id", "full")
        .join(groups, "comparison_id", "left")
        .join(closed, "group", "left")
    )
    taken = F.col("taken").isNotNull()
    return joined.agg(
        _count(taken).alias("curated"),
        _count(taken & F.col("closed").isNotNull()).alias("of_held_out_groups"),
        _count(~taken).alias("not_curated"),
        _count(taken & ~F.col("decided").eqNullSafe(F.col("taken"))).alias("not_decided"),
    )


def none_of(*columns: str) -> list[Expectation]:
    """Return the expectation, for each of `columns` of a row of counts, that it is zero."""
    from synpref.quality.expectations import ExpectColumnMaxToBeBetween

    # Of one row the maximum is the value, and an expectation about it tells what it was.
    return [ExpectColumnMaxToBeBetween(column=column, min_value=0, max_value=0) for column in columns]


def as_local(metrics: DataFrame) -> DataFrame:
    """Return a frame of metrics (one row, or one a source) as local rows, so that no expectation computes it again."""
    return metrics.sparkSession.createDataFrame(metrics.toArrow())


def _no_probability(name: str) -> Column:
    # NaN is larger than every number in Spark, hence outside.
    return ~F.coalesce(F.col(name), F.lit(0.0)).between(0, 1)


def _count(condition: Column) -> Column:
    return F.count_if(F.coalesce(condition, F.lit(False)))
