from __future__ import annotations

import itertools

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synpref.stage2.gate import by_label, by_label_column, gate, gate_column, opinion, opinion_column


def test_the_gate_s_column_twin_decides_as_the_function(spark: SparkSession) -> None:
    opinions = ("agrees", "rejects", "unsure", "unscored", "missing")
    cases = list(itertools.product(opinions, opinions, ("agree", "oppose", "none", None)))
    frame = spark.createDataFrame(cases, "gold string, best string, judges string")
    decided = frame.withColumn(
        "d", gate_column(F.col("gold"), F.col("best"), F.coalesce(F.col("judges"), F.lit("not asked")))
    )
    for row in decided.collect():
        assert (row.d.decision, row.d.reason) == gate(row.gold, row.best, row.judges), row


def test_no_source_label_drops_with_its_reason(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(None, None)], "gold string, best string")
    row = frame.select(gate_column(F.col("gold"), F.col("best"), F.lit("not asked")).alias("d")).head()
    assert row is not None
    assert (row.d.decision, row.d.reason) == ("drop", "no_source_label")


def test_the_opinion_s_column_twin_reads_p_of_response_a(spark: SparkSession) -> None:
    probabilities = (None, 0.0, 0.3, 0.46, 0.5, 0.52, 0.9)
    cases = list(itertools.product(probabilities, "ab", (0.0, 0.05), (True, False)))
    frame = spark.createDataFrame(cases, "p double, label string, epsilon double, refused boolean")
    for epsilon in (0.0, 0.05):
        rows = frame.where(F.col("epsilon") == epsilon).withColumn(
            "o", opinion_column(F.col("p"), F.col("label"), epsilon, F.col("refused"))
        )
        for row in rows.collect():
            of_source = row.p if row.p is None or row.label == "a" else 1 - row.p
            assert row.o == opinion(of_source, epsilon, row.refused), row


def test_ties_have_no_opinion_and_missing_scores_are_told_first(spark: SparkSession) -> None:
    cases = [(0.9, "tie", False), (0.9, "none", False), (None, "tie", True), (None, "none", False)]
    frame = spark.createDataFrame(cases, "p double, label string, refused boolean")
    rows = frame.select(opinion_column(F.col("p"), F.col("label"), 0.0, F.col("refused")).alias("o")).collect()
    assert [row.o for row in rows] == [None, None, "unscored", "missing"]


def test_the_label_rule_s_column_twin(spark: SparkSession) -> None:
    cases = list(itertools.product(("a", "b", "tie", "none"), ("a", "b", None)))
    frame = spark.createDataFrame(cases, "source string, label string")
    for row in frame.withColumn("d", by_label_column(F.col("source"), F.col("label"))).collect():
        assert (row.d.decision, row.d.reason) == by_label(row.source, row.label), row
