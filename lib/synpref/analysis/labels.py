"""Stage 2's decisions against known truth: sums over tables. `label_figures` turns them into shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as sf

from synpref.analysis.length import log_length_ratio

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LEFT_OUT = ("no_source_label", "no_truth", "truth_is_tie")
PARTS = ("pool", "keep", "flip", "drop", "length_keep", "length_flip")


def measured_labels(
    decisions: DataFrame, truth: DataFrame, source_labels: DataFrame, comparisons: DataFrame, responses: DataFrame
) -> DataFrame:
    """Stage 2's decisions (role wild) of one campaign and policy, beside the truth.

    Out, one row a decision: comparison_id, source, group, decision, source_right (the source label is the true one),
    support (log length ratio of the source-preferred response over the other), and left_out: null where measured, else
    no_source_label (tie or none), no_truth or truth_is_tie; source_right and support mean nothing there.
    """
    wild = decisions.where("role = 'wild'").select("comparison_id", "decision", "source_label")
    lengths = responses.select("response_id", "characters")
    # all of these are as large as the pool
    rows = (
        wild.join(source_labels.select("comparison_id", "source", "group"), "comparison_id")
        .join(comparisons.select("comparison_id", "response_a", "response_b"), "comparison_id")
        .join(lengths.toDF("response_a", "characters_a"), "response_a")
        .join(lengths.toDF("response_b", "characters_b"), "response_b")
        .join(truth.select("comparison_id", "winner"), "comparison_id", "left")
    )
    towards_a = log_length_ratio(sf.col("characters_a"), sf.col("characters_b"))
    return rows.select(
        "comparison_id", "source", "group", "decision",
        (sf.col("source_label") == sf.col("winner")).alias("source_right"),
        sf.when(sf.col("source_label") == "a", towards_a).otherwise(-towards_a).alias("support"),
        _left_out().alias("left_out"),
    )  # fmt: skip


def _left_out() -> Column:
    return (
        sf.when(~sf.col("source_label").isin("a", "b"), "no_source_label")
        .when(sf.col("winner").isNull(), "no_truth")
        .when(sf.col("winner") == "tie", "truth_is_tie")
    )


def left_out_counts(rows: DataFrame) -> dict[str, int]:
    """How many of `measured_labels` could not be measured, by reason; all reasons, also with 0."""
    # at most three rows
    found = rows.where("left_out IS NOT NULL").groupBy("left_out").count().collect()
    counts = {row["left_out"]: int(row["count"]) for row in found}
    return {reason: counts.get(reason, 0) for reason in LEFT_OUT}


def label_sums(ranked: DataFrame, by: Sequence[str] = ()) -> DataFrame:
    """Rows and right ones of each part, by the given columns (none: one row in all).

    In: measured rows (left_out null) with length_decision. Out: `by`, and for each of pool, keep, flip, drop,
    length_keep and length_flip its <part>_rows and <part>_right. Right: the label after the decision is the true one;
    for pool and drop the source label is. length_*: the same under the length baseline's choice.
    """
    right = sf.col("source_right")
    chosen: dict[str, tuple[Column, Column]] = {
        "pool": (sf.lit(True), right),
        "keep": (sf.col("decision") == "keep", right),
        "flip": (sf.col("decision") == "flip", ~right),
        "drop": (sf.col("decision") == "drop", right),
        "length_keep": (sf.col("length_decision") == "keep", right),
        "length_flip": (sf.col("length_decision") == "flip", ~right),
    }
    columns = [
        column
        for part in PARTS
        for column in (
            sf.count(sf.when(chosen[part][0], 1)).alias(f"{part}_rows"),
            sf.count(sf.when(chosen[part][0] & chosen[part][1], 1)).alias(f"{part}_right"),
        )
    ]
    return ranked.groupBy(*by).agg(*columns)
