"""Labels of a file that serve as gold for a share of it (design.md, Who may see what)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def batch_of(campaign: str) -> str:
    """The batch of a campaign's gold from files: other inputs or another conflict policy may label otherwise."""
    return f"file:{campaign}"


def file_gold(chosen: DataFrame, unflipped: DataFrame, campaign: str) -> DataFrame:
    """Rows of human_labels for the chosen comparisons, from their labels before noise.

    chosen: comparison_id, source, label_origin. unflipped: comparison_id, winner. The annotator is source:<name>; it is
    a person's label only where label_origin says so.
    """
    # the chosen are a small share of all comparisons
    labelled = chosen.select("comparison_id", "source", "label_origin").join(unflipped, "comparison_id")
    return labelled.where(F.col("winner").isin("a", "b")).select(
        "comparison_id",
        F.concat(F.lit("source:"), F.col("source")).alias("annotator"),
        F.lit(batch_of(campaign)).alias("batch"),
        F.col("winner").alias("verdict"),
        "label_origin",
        F.lit(None).cast("double").alias("confidence"),
        F.lit(None).cast("string").alias("attributes"),
        F.lit(None).cast("array<string>").alias("tools"),
        F.lit(None).cast("double").alias("seconds"),
    )
