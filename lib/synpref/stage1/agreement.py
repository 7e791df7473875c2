"""How often a judge names the gold label in both orders."""

from __future__ import annotations

from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


class Agreement(NamedTuple):
    """`right` of `asked` gold comparisons had the gold label in every answer; inconsistent or unparsed is wrong."""

    right: int
    asked: int


def agreements(verdicts: DataFrame, gold: DataFrame) -> dict[str, Agreement]:
    """Agreement by judge; a judge without an answer is absent.

    verdicts: judge, comparison_id, verdict. gold: comparison_id, label (a or b).
    """
    # gold-validation is the small side
    joined = verdicts.join(F.broadcast(gold.select("comparison_id", "label")), "comparison_id")
    right = F.min((F.col("verdict") == F.col("label")).cast("int")).alias("right")
    each = joined.groupBy("judge", "comparison_id").agg(right)
    found = each.groupBy("judge").agg(F.sum("right").alias("right"), F.count("*").alias("asked"))
    return {row["judge"]: Agreement(int(row["right"]), int(row["asked"])) for row in found.collect()}  # a row a judge
