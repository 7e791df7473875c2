"""Aggregated labels as rows of the table labels, and back."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def label_rows(votes: DataFrame, campaign: str, iteration: int, origin: str) -> DataFrame:
    """Rows of the table labels from comparison_id, label, votes_a, votes_b, votes_none, margin."""
    return votes.select(
        F.lit(campaign).alias("campaign"), F.lit(iteration).cast("int").alias("iteration"), "comparison_id",
        F.lit(origin).alias("origin"), "label", "votes_a", "votes_b", "votes_none", "margin",
    )  # fmt: skip


def latest_labels(labels: DataFrame, campaign: str, origin: str, until: int) -> DataFrame:
    """(comparison_id, label): the last label that an origin gave up to an iteration; null where it gave none."""
    own = labels.where((F.col("campaign") == campaign) & (F.col("origin") == origin) & (F.col("iteration") <= until))
    return own.groupBy("comparison_id").agg(F.max_by("label", "iteration").alias("label"))


def winners(labelled: DataFrame, roles: DataFrame, role: str) -> DataFrame:
    """(comparison_id, winner) of the labelled comparisons (latest_labels) that have this role."""
    of_role = roles.where(F.col("role") == role).select("comparison_id")
    # gold and silver are small beside the pool that roles speaks of
    return labelled.where("label IS NOT NULL").join(of_role, "comparison_id").withColumnRenamed("label", "winner")
