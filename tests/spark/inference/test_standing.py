"""What of the inputs stands: answered, refused, lost on the way, pending."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.inference.standing import Standing, lost, standing, unanswered

KEY = ["text_id"]
REFUSALS = {"server_refused": 1, "engine_error": 1}
REFUSED = "stage string, row_key string, reason string"


def texts(spark: SparkSession, *names: str) -> DataFrame:
    return spark.createDataFrame([(name,) for name in names], "text_id string")


def known(spark: SparkSession) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Inputs; what was answered; what stands in quarantine."""
    refused = [
        ("embed", "bad:e", "server_refused"),
        ("embed", "lost:e", "engine_unreachable"),
        ("stage2", "lost:e", "engine_unreachable"),
        ("embed", "both:e", "engine_unreachable"),
        ("stage2", "both:e", "engine_error"),
        ("embed", "elsewhere:e", "engine_unreachable"),
        ("embed", "large:e", "out_of_memory"),
    ]
    inputs = texts(spark, "new", "known", "bad", "lost", "both", "large")
    return inputs, texts(spark, "known"), spark.createDataFrame(refused, REFUSED)


def test_lost_rows_are_pending_and_refused_ones_are_not(spark: SparkSession) -> None:
    inputs, done, refused = known(spark)
    found = standing(inputs, done, refused, KEY, "e")
    assert found == Standing(6, 1, REFUSALS, lost={"engine_unreachable": 1, "out_of_memory": 1})
    assert found.pending == 3
    assert {row[0] for row in unanswered(inputs, done, refused, KEY, "e").collect()} == {"new", "lost", "large"}


def test_what_was_lost_by_one_job_and_answered_by_another_is_no_longer_lost(spark: SparkSession) -> None:
    inputs, _, refused = known(spark)
    found = standing(inputs, texts(spark, "known", "lost"), refused, KEY, "e")
    assert found == Standing(6, 2, REFUSALS, lost={"out_of_memory": 1}, found_since=1)


def test_the_rows_of_quarantine_that_go_are_those_of_these_inputs(spark: SparkSession) -> None:
    inputs, _, refused = known(spark)
    gone = {(row["stage"], row["row_key"]) for row in lost(inputs, refused, KEY, "e").collect()}
    assert gone == {("embed", "lost:e"), ("stage2", "lost:e"), ("embed", "both:e"), ("embed", "large:e")}


def test_quarantine_may_be_as_large_as_the_inputs(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    unanswered(*known(spark), KEY, "e").explain(extended=True)
    plan = capsys.readouterr().out
    assert "LeftAnti" in plan
    assert "strategy=broadcast" not in plan  # a hint would send it to every worker, whatever its size
