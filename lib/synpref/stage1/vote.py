"""From verdicts to a judge's label, and from judges' labels to the roster's (paper.md §2.4, §10.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


class Vote(NamedTuple):
    """A label (a, b, or None) and the votes behind it."""

    label: str | None
    a: int
    b: int
    none: int

    @property
    def margin(self) -> float:
        """(a - b) / all votes; 0 without votes."""
        total = self.a + self.b + self.none
        return (self.a - self.b) / total if total else 0.0


def judge_vote(verdicts: Iterable[str]) -> Vote:
    """One judge's label over all its samples and orders: a strict majority of everything it was asked.

    "no_preference" and "unparsed" count as asked. With one sample in both orders both must name the same response.
    """
    answers = list(verdicts)
    a, b = answers.count("a"), answers.count("b")
    label = "a" if 2 * a > len(answers) else "b" if 2 * b > len(answers) else None
    return Vote(label, a, b, len(answers) - a - b)


def first_samples(samples: int) -> int:
    """Of a judge's samples, each in both orders, the fewest that can make a label: more than half of all answers."""
    return samples // 2 + 1


def still_open(a: int, b: int, left: int, total: int) -> bool:
    """Whether answers that a judge has still to give can change judge_vote's label.

    a, b: answers so far that name the response; left: answers not yet asked for, of `total` (one that was asked for and
    is missing counts as asked, as in judge_labels).
    """
    decided = 2 * max(a, b) > total
    within_reach = 2 * (max(a, b) + left) > total
    return within_reach and not decided


def roster_vote(labels: Sequence[str | None], admitted: int) -> Vote:
    """Unweighted majority over the judges that have a label; half of those admitted must have one.

    A tie or too few gives no label.
    """
    a, b = labels.count("a"), labels.count("b")
    quorum = 2 * (a + b) >= admitted > 0
    label = None if not quorum or a == b else "a" if a > b else "b"
    return Vote(label, a, b, len(labels) - a - b)


def first_judges(admitted: int) -> int:
    """Of the admitted judges, the fewest whose labels can decide the roster's: more than half of them."""
    return admitted // 2 + 1


def roster_open(a: int, b: int, left: int, admitted: int) -> bool:
    """Whether judges that are still to be asked can change roster_vote's label.

    a, b: labels so far; left: judges not yet asked, of those admitted (one that was asked and has no label, or gave no
    answer, counts as asked).
    """
    if 2 * (a + b) >= admitted and a != b:
        return min(a, b) + left >= max(a, b)  # a tie is no label
    return left > 0 and 2 * (a + b + left) >= admitted


def open_comparisons(verdicts: DataFrame, left: int, total: int) -> DataFrame:
    """The comparison_ids that are still_open, of one judge's verdicts so far. One without a verdict is not: where at
    least first_samples were asked, the answers that are left are no majority alone.
    """
    counts = verdicts.groupBy("comparison_id").agg(_count("verdict", "a").alias("a"), _count("verdict", "b").alias("b"))
    most = F.greatest("a", "b")
    return counts.where((2 * (most + left) > total) & (2 * most <= total)).select("comparison_id")


def judge_labels(verdicts: DataFrame, wanted: Mapping[str, int]) -> DataFrame:
    """One row a (comparison_id, judge) with an answer: `label` by judge_vote, null without one.

    wanted: by judge, the answers asked for about a comparison; one that is missing (a prompt above the judge's window)
    counts as asked, so that a single order never makes a label.
    """
    counts = verdicts.groupBy("comparison_id", "judge").agg(
        _count("verdict", "a").alias("a"), _count("verdict", "b").alias("b")
    )
    names = F.create_map(*(F.lit(word) for pair in wanted.items() for word in pair))
    counts = counts.withColumn("n", F.element_at(names, F.col("judge")))
    label = F.when(2 * F.col("a") > F.col("n"), "a").when(2 * F.col("b") > F.col("n"), "b")
    return counts.select("comparison_id", "judge", label.alias("label"))


def open_labels(labels: DataFrame, left: int, admitted: int) -> DataFrame:
    """The comparison_ids that are roster_open, of judge_labels so far. One that no judge answered is not: where as many
    as first_judges were asked, those that are left are no quorum alone.
    """
    counts = labels.groupBy("comparison_id").agg(_count("label", "a").alias("a"), _count("label", "b").alias("b"))
    decided = (2 * (F.col("a") + F.col("b")) >= admitted) & (F.col("a") != F.col("b"))
    overtaken = F.least("a", "b") + left >= F.greatest("a", "b")
    in_reach = (2 * (F.col("a") + F.col("b") + left) >= admitted) & F.lit(left > 0)
    return counts.where(F.when(decided, overtaken).otherwise(in_reach)).select("comparison_id")


def roster_labels(labels: DataFrame, admitted: int) -> DataFrame:
    """One row a comparison_id: `label` by roster_vote, votes_a, votes_b, votes_none, margin. Input: judge_labels.

    Votes are of judges that answered: one that was not asked, since the label was decided, is none of them.
    """
    votes = labels.groupBy("comparison_id").agg(
        _count("label", "a").alias("votes_a"), _count("label", "b").alias("votes_b"), F.count("*").alias("asked")
    )
    quorum = 2 * (F.col("votes_a") + F.col("votes_b")) >= admitted
    label = F.when(quorum & (F.col("votes_a") > F.col("votes_b")), "a").when(
        quorum & (F.col("votes_b") > F.col("votes_a")), "b"
    )
    return votes.select(
        "comparison_id",
        label.alias("label"),
        F.col("votes_a").cast("int").alias("votes_a"),
        F.col("votes_b").cast("int").alias("votes_b"),
        (F.col("asked") - F.col("votes_a") - F.col("votes_b")).cast("int").alias("votes_none"),
        ((F.col("votes_a") - F.col("votes_b")) / F.col("asked")).alias("margin"),
    )


def _count(column: str, value: str) -> Column:
    return F.coalesce(F.sum(F.when(F.col(column) == value, 1).otherwise(0)), F.lit(0))
