"""From tallied comparisons to the label that everything after hygiene reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from synpref.hygiene.conflicts import ConflictPolicy, label_column, margin_column, status_column
from synpref.hygiene.noise import flip_label_column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def resolved(tallies: DataFrame, policy: ConflictPolicy, noise_share: float, seed: int) -> DataFrame:
    """Decide the label of every tallied comparison (see `tally`), then apply noise to those of the pool.

    Out: comparison_id, prompt_id, response_a, response_b, use (test where any occurrence is for tests), group_set
    (group of the primary occurrence, else of another one, or null), unflipped (label before noise), label, margin (null
    where noise turned the label, of which nobody said how strong it is), status, source, sources, label_origin,
    occurrences, alike as it came in. Labels of tests are never flipped: they are final measurement.
    """
    decided = (
        tallies.withColumn("status", status_column(policy))
        .withColumn("label", label_column())
        .withColumn("margin", margin_column())
        .withColumn("use", sf.when(sf.col("test"), "test").otherwise("pool"))
        .withColumnRenamed("label", "unflipped")
    )
    flipped = flip_label_column(sf.col("unflipped"), noise_share, seed) if noise_share > 0 else sf.col("unflipped")
    label = sf.when(sf.col("use") == "pool", flipped).otherwise(sf.col("unflipped"))
    return decided.select(
        "comparison_id", "prompt_id", "response_a", "response_b", "use",
        sf.col("group").alias("group_set"),
        "unflipped",
        label.alias("label"),
        sf.when(label == sf.col("unflipped"), sf.col("margin")).alias("margin"),
        "status",
        sf.col("primary.source").alias("source"),
        "sources",
        sf.col("primary.label_origin").alias("label_origin"),
        sf.col("occurrences").cast("int").alias("occurrences"), "alike",
    )  # fmt: skip


def source_label_rows(clean: DataFrame, campaign: str) -> DataFrame:
    """The rows of table source_labels from resolved comparisons that passed (with `group`)."""
    return clean.select(
        sf.lit(campaign).alias("campaign"), "comparison_id", "group", "use", "label", "margin", "status", "source",
        "sources", "label_origin", "occurrences",
    )  # fmt: skip


def unflipped_rows(clean: DataFrame) -> DataFrame:
    """comparison_id and winner (a, b or tie): the labels before noise, of comparisons that have one."""
    return clean.where("unflipped != 'none'").select("comparison_id", sf.col("unflipped").alias("winner"))
