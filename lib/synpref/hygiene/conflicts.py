"""The label of a comparison from all that its sources said of it: a pure rule and its Column twin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pyspark.sql import Column
from pyspark.sql import functions as sf

ConflictPolicy = Literal["majority", "drop"]
VOTING = ("a", "b", "tie")
LABELS = (*VOTING, "none")


class Resolution(NamedTuple):
    """label: a, b, tie or none. status: clean, agreed, majority or conflict."""

    label: str
    status: str


def resolve(labels: Sequence[str], policy: ConflictPolicy) -> Resolution:
    """Decide the label of one comparison from its occurrences' labels (design.md "The way of a pair").

    `none` does not vote, a tie is a label like another. One vote is clean, several equal ones agreed; a label with more
    than half of the votes is majority under that policy; everything else is a conflict with label none. Where nobody
    votes the label is none, clean for one occurrence and agreed for several. Raises ValueError for no labels at all.
    """
    if not labels:
        raise ValueError("a comparison has at least one occurrence")
    votes = [label for label in labels if label != "none"]
    if not votes:
        return Resolution("none", "clean" if len(labels) == 1 else "agreed")
    label, count = Counter(votes).most_common(1)[0]
    if count == len(votes):
        return Resolution(label, "clean" if count == 1 else "agreed")
    if policy == "majority" and 2 * count > len(votes):
        return Resolution(label, "majority")
    return Resolution("none", "conflict")


def counted(labels: Sequence[tuple[str, bool]]) -> list[str]:
    """Labels that count, of (label, whether a file for tests gave it): those for tests alone where there are any.

    What the final measurement goes by must not hang on the pool that is measured.
    """
    for_tests = [label for label, test in labels if test]
    return for_tests or [label for label, _ in labels]


def counted_column(aggregate: Callable[[Column], Column], value: Column, test: Column) -> Column:
    """Twin of `counted`: an aggregate of `value` over the rows that count. test: whether a row is for tests."""
    return sf.when(sf.max(test), aggregate(sf.when(test, value))).otherwise(aggregate(value))


def status_column(policy: ConflictPolicy) -> Column:
    """Twin of `resolve` over the columns votes_a, votes_b, votes_tie, votes_none: the status."""
    counts = [sf.col(f"votes_{label}") for label in VOTING]
    votes, largest = counts[0] + counts[1] + counts[2], sf.greatest(*counts)
    several = sf.when(votes + sf.when(votes == 0, sf.col("votes_none")).otherwise(0) > 1, "agreed").otherwise("clean")
    decided = (2 * largest > votes) & sf.lit(policy == "majority")
    return sf.when(largest == votes, several).when(decided, "majority").otherwise("conflict")


def label_column() -> Column:
    """Twin of `resolve` over votes_a, votes_b, votes_tie and `status`: the label."""
    votes = sf.col("votes_a") + sf.col("votes_b") + sf.col("votes_tie")
    majority = [sf.when((sf.col("status") != "conflict") & (2 * sf.col(f"votes_{x}") > votes), x) for x in VOTING]
    return sf.coalesce(*majority, sf.lit("none"))


def margin_column() -> Column:
    """Mean margin of the occurrences that carry `label`, over margin_sum_* and margin_rows_*; null for a conflict."""
    mean = {label: sf.try_divide(sf.col(f"margin_sum_{label}"), sf.col(f"margin_rows_{label}")) for label in LABELS}
    means = [sf.when(sf.col("label") == label, mean[label]) for label in LABELS]
    return sf.when(sf.col("status") != "conflict", sf.coalesce(*means))
