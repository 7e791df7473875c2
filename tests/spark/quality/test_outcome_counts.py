"""What the report says of the gate."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import SparkSession

from synpref.quality.result import Result, outcome_counts, results_frame


def outcome(suite: str, expectation: str, success: bool, minute: int) -> Result:
    checked = datetime(2026, 1, 1, 12, minute, tzinfo=UTC)
    return Result("decisions", suite, expectation, success, "{}", checked)


def test_of_an_expectation_that_was_checked_again_the_last_outcome_counts(spark: SparkSession) -> None:
    first = results_frame(spark, "first", [outcome("s", "unique", False, 1), outcome("s", "not null", True, 1)])
    second = results_frame(spark, "second", [outcome("s", "unique", True, 2), outcome("t", "unique", False, 2)])
    counts = outcome_counts(first.unionByName(second), ["first", "second"])
    assert counts == {"suites": 2, "expectations": 3, "failed": 1}


def test_other_runs_do_not_count(spark: SparkSession) -> None:
    ours = results_frame(spark, "ours", [outcome("s", "unique", True, 1)])
    others = results_frame(spark, "another", [outcome("s", "unique", False, 2), outcome("t", "unique", False, 2)])
    assert outcome_counts(ours.unionByName(others), ["ours"]) == {"suites": 1, "expectations": 1, "failed": 0}
    assert outcome_counts(ours, []) == {"suites": 0, "expectations": 0, "failed": 0}
