"""The label that people gave, from their single answers (paper.md §2.1)."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from synpref.stage1.vote import Vote, judge_vote


def human_vote(verdicts: Iterable[str]) -> Vote:
    """Strict majority over the annotators' latest answers; cannot_decide and no_preference count as answers.

    Without a label the comparison is discarded and not sent to judges (paper.md §2.1).
    """
    return judge_vote(verdicts)


def batch_of(iteration: int) -> str:
    """The batch in which people label for an iteration; 0 is the seed."""
    return f"{iteration}-iteration" if iteration else "0-seed"


def answered_for(human_labels: DataFrame) -> DataFrame:
    """(comparison_id, iteration): the first iteration for which each was answered; 0 where a batch names none."""
    number = F.expr("try_cast(regexp_extract(batch, '^([1-9][0-9]*)-iteration', 1) AS bigint)")
    first = F.min(F.coalesce(number, F.lit(0))).alias("iteration")
    return human_labels.groupBy("comparison_id").agg(first)


def answered_later(human_labels: DataFrame) -> DataFrame:
    """(comparison_id) of what was answered for iterations after the seed only: it is no gold of iteration 0."""
    return answered_for(human_labels).where("iteration > 0").drop("iteration")


def latest_answers(human_labels: DataFrame) -> DataFrame:
    """One row a (comparison, annotator): the answer of the latest batch.

    Batches are ordered by the number they begin with, then by name; those without a number come last.
    """
    number = F.expr("try_cast(regexp_extract(batch, '^[0-9]+', 0) AS bigint)")
    latest = Window.partitionBy("comparison_id", "annotator").orderBy(number.desc_nulls_first(), F.desc("batch"))
    return human_labels.withColumn("_age", F.row_number().over(latest)).where("_age = 1").drop("_age")


def aggregated(human_labels: DataFrame) -> DataFrame:
    """One row a comparison_id with `label` (null: undecided), votes_a, votes_b, votes_none, margin by human_vote."""
    said = F.col("verdict")
    votes = (
        latest_answers(human_labels)
        .groupBy("comparison_id")
        .agg(
            F.count(F.when(said == "a", 1)).cast("int").alias("votes_a"),
            F.count(F.when(said == "b", 1)).cast("int").alias("votes_b"),
            F.count("*").cast("int").alias("asked"),
        )
    )
    label = F.when(2 * F.col("votes_a") > F.col("asked"), "a").when(2 * F.col("votes_b") > F.col("asked"), "b")
    return votes.select(
        "comparison_id",
        label.alias("label"),
        "votes_a",
        "votes_b",
        (F.col("asked") - F.col("votes_a") - F.col("votes_b")).alias("votes_none"),
        ((F.col("votes_a") - F.col("votes_b")) / F.col("asked")).alias("margin"),
    )
