"""The Column twins of the label rule give what the rule gives."""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

from synpref.hygiene.conflicts import (
    LABELS,
    ConflictPolicy,
    counted,
    label_column,
    margin_column,
    resolve,
    status_column,
)
from synpref.hygiene.duplicates import tally

CASES = [case for size in range(1, 6) for case in combinations_with_replacement(LABELS, size)]
SEEN = (
    "file_id string, row string, source string, comparison_id string, label string, margin double, "
    "label_origin string, `group` string"
)


@pytest.mark.parametrize("policy", ["majority", "drop"])
def test_every_multiset_of_up_to_five_labels_resolves_alike(spark: SparkSession, policy: ConflictPolicy) -> None:
    rows = [
        ("f", f"{case}-{place}", "s", f"c{case}", label, float(place), "human", None)
        for case, labels in enumerate(CASES)
        for place, label in enumerate(labels)
    ]
    files = spark.createDataFrame([("f", "pool")], "file_id string, use string")
    tallied = tally(spark.createDataFrame(rows, SEEN), files, [])
    decided = tallied.withColumn("status", status_column(policy)).withColumn("label", label_column())
    found = {
        row.comparison_id: (row.label, row.status, row.margin)
        for row in decided.withColumn("margin", margin_column()).collect()
    }
    for case, labels in enumerate(CASES):
        label, status = resolve(labels, policy)
        places = [place for place, one in enumerate(labels) if one == label]
        margin = None if status == "conflict" else sum(places) / len(places)
        assert found[f"c{case}"] == (label, status, pytest.approx(margin) if margin is not None else None), labels


def test_a_label_without_margins_has_none(spark: SparkSession) -> None:
    rows = [("f", "1", "s", "c", "a", None, "human", None), ("f", "2", "s", "c", "b", 3.0, "human", None)]
    rows.append(("f", "3", "s", "c", "a", None, "human", None))
    files = spark.createDataFrame([("f", "pool")], "file_id string, use string")
    tallied = tally(spark.createDataFrame(rows, SEEN), files, []).withColumn("status", status_column("majority"))
    row = tallied.withColumn("label", label_column()).select("label", margin_column().alias("margin")).first()
    assert row is not None
    assert (row["label"], row["margin"]) == ("a", None)


def test_votes_of_the_tally_count_each_label(spark: SparkSession) -> None:
    rows = [("f", str(n), "s", "c", label, None, "human", None) for n, label in enumerate(["a", "b", "b", "none"])]
    files = spark.createDataFrame([("f", "test")], "file_id string, use string")
    row = tally(spark.createDataFrame(rows, SEEN), files, []).select(sf.struct("*").alias("all")).first()
    assert row is not None
    votes = {label: row["all"][f"votes_{label}"] for label in LABELS}
    assert votes == {"a": 1, "b": 2, "tie": 0, "none": 1}
    assert row["all"]["test"] is True


def test_files_for_tests_count_alone_in_the_tally_as_in_the_rule(spark: SparkSession) -> None:
    said = list(product(LABELS, (False, True)))
    cases = [case for size in (2, 3) for case in combinations_with_replacement(said, size)]
    rows = [
        ("t" if test else "p", f"{case}-{place}", "s", f"c{case}", label, float(place), "human", None)
        for case, labels in enumerate(cases)
        for place, (label, test) in enumerate(labels)
    ]
    files = spark.createDataFrame([("p", "pool"), ("t", "test")], "file_id string, use string")
    found = {row.comparison_id: row for row in tally(spark.createDataFrame(rows, SEEN), files, []).collect()}
    for case, labels in enumerate(cases):
        row, votes = found[f"c{case}"], counted(labels)
        assert {label: row[f"votes_{label}"] for label in LABELS} == {label: votes.count(label) for label in LABELS}
        any_test = any(test for _, test in labels)
        for label in LABELS:
            places = [p for p, (one, test) in enumerate(labels) if one == label and test is any_test]
            assert row[f"margin_sum_{label}"] == (sum(places) if places else None)
            assert row[f"margin_rows_{label}"] == len(places)
        assert row.occurrences == len(labels)
