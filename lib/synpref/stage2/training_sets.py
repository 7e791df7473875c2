"""The three training sets whose reward models are compared (paper.md §2.5)."""

from __future__ import annotations

from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

Mix = Literal["original", "filtered", "filtered_corrected"]
MIXES: tuple[Mix, ...] = ("original", "filtered", "filtered_corrected")


def training_set(decisions: DataFrame, mix: Mix) -> DataFrame:
    """(comparison_id, winner) of a set; comparisons without a label a or b are left out.

    original: source labels of all decided comparisons. filtered: kept. filtered_corrected: kept and flipped, in the
    orientation of the decision.
    """
    if mix == "original":
        chosen = decisions.select("comparison_id", F.col("source_label").alias("winner"))
    else:
        wanted = ["keep"] if mix == "filtered" else ["keep", "flip"]
        chosen = decisions.where(F.col("decision").isin(wanted)).select("comparison_id", F.col("label").alias("winner"))
    return chosen.where(F.col("winner").isin("a", "b"))
