"""How often a judge names the gold label in both orders."""

from __future__ import annotations

from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


class Agreement(NamedTuple):
    """`right` of `asked` gold comparisons had the gold label in every answer; inconsistent or unparsed is wrong."""

    right: int
    asked: int


def agreement(verdicts: DataFrame, gold: DataFrame) -> Agreement:
    """One judge's agreement. verdicts: comparison_id, verdict of that judge; gold: comparison_id, label (a or b)."""
    # gold-validation is the small side
    joined = verdicts.join(F.broadcast(gold.select("comparison_id", "label")), "comparison_id")
    each = joined.groupBy("comparison_id").agg(F.min((F.col("verdict") == F.col("label")).cast("int")).alias("right"))
    row = each.agg(F.coalesce(F.sum("right"), F.lit(0)).alias("right"), F.count("*").alias("asked")).first()
    return Agreement(int(row["right"]), int(row["asked"])) if row else Agreement(0, 0)
