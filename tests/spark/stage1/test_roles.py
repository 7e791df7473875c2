from __future__ import annotations

from collections.abc import Mapping

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.errors import SynprefError
from synpref.stage1.reconciled import reconciled_roles
from synpref.stage1.roles import (
    changed_roles,
    current_roles,
    discarding,
    fold_column,
    folded_roles,
    pool_side,
    seed_roles,
    seed_with_silver,
    twins,
    twins_across_groups,
)

LABELS = "comparison_id string, `group` string, use string, source string"
ROWS = [
    ("train", "trains", "pool", "s"),
    ("validation", "validates", "pool", "s"),
    ("test", "tests", "pool", "s"),
    ("undecided", "trains", "pool", "s"),
    ("beside validation", "validates", "pool", "s"),
    ("beside test", "tests", "pool", "s"),
    ("free pool", "free", "pool", "s"),
    ("free wild", "free", "pool", "t"),
    ("of a test file", "measured", "test", "s"),
    ("in a test file's group", "measured", "pool", "s"),
]
HUMAN = [("train", "a"), ("validation", "b"), ("test", "a"), ("undecided", None)]
SIDES = {"validates": "validation", "tests": "test"}


def _seeded(spark: SparkSession) -> DataFrame:
    labels = spark.createDataFrame(ROWS, LABELS)
    human = spark.createDataFrame(HUMAN, "comparison_id string, label string")
    return seed_roles(labels, human, SIDES, F.col("source") == "s", "c")


def _by_id(rows: DataFrame, column: str) -> Mapping[str, object]:
    return {row["comparison_id"]: row[column] for row in rows.collect()}


def test_every_comparison_gets_the_role_that_its_group_and_label_ask_for(spark: SparkSession) -> None:
    assert _by_id(_seeded(spark), "role") == {
        "train": "gold-train",
        "validation": "gold-validation",
        "test": "gold-test",
        "undecided": "discarded",
        "beside validation": "held_out",
        "beside test": "held_out",
        "free pool": "stage1_pool",
        "free wild": "wild",
        "of a test file": "held_out",
        "in a test file's group": "held_out",
    }


def test_what_judges_label_in_the_seed_takes_the_place_of_its_row(spark: SparkSession) -> None:
    labelled = spark.createDataFrame([("free pool",)], "comparison_id string")
    seeded = _seeded(spark)
    rows = seed_with_silver(seeded, labelled, "c")
    assert rows.columns == seeded.columns
    assert rows.count() == len(ROWS)  # one row a comparison: two of one iteration would leave open which counts
    expected = {**_by_id(seeded, "role"), "free pool": "silver"}
    assert _by_id(rows, "role") == expected
    assert _by_id(rows, "side") == _by_id(seeded, "side")
    others = seeded.unionByName(changed_roles(labelled, "wild", "c", 1)).unionByName(
        changed_roles(labelled, "x", "d", 0)
    )
    assert _by_id(seed_with_silver(others, labelled, "c"), "role") == expected


def test_a_held_out_comparison_knows_its_side(spark: SparkSession) -> None:
    sides = _by_id(_seeded(spark), "side")
    assert sides["beside validation"] == sides["validation"] == "validation"
    assert sides["beside test"] == sides["of a test file"] == sides["in a test file's group"] == "test"
    assert sides["train"] is None


def test_the_latest_role_counts_and_earlier_iterations_can_be_seen_again(spark: SparkSession) -> None:
    chosen = spark.createDataFrame([("free pool",)], "comparison_id string")
    roles = _seeded(spark).unionByName(changed_roles(chosen, "silver", "c", 1))
    assert _by_id(current_roles(roles, "c"), "role")["free pool"] == "silver"
    assert _by_id(current_roles(roles, "c", until=0), "role")["free pool"] == "stage1_pool"
    assert current_roles(roles, "another campaign").isEmpty()


def test_folds_split_in_two_halves_by_key_and_nothing_else(spark: SparkSession) -> None:
    rows = spark.range(2000).select(F.col("id").cast("string").alias("comparison_id"))
    folded = folded_roles(rows, fold_column(7, F.col("comparison_id")), "c", 1)
    counts = {row["fold"]: row["count"] for row in folded.groupBy("fold").count().collect()}
    assert set(counts) == {0, 1}
    assert 900 < counts[0] < 1100
    again = folded_roles(rows.repartition(3), fold_column(7, F.col("comparison_id")), "c", 1)
    assert _by_id(folded, "fold") == _by_id(again, "fold")


def test_the_pool_s_share_is_by_comparison_unless_sources_are_listed(spark: SparkSession) -> None:
    rows = spark.range(2000).select(F.col("id").cast("string").alias("comparison_id"), F.lit("s").alias("source"))
    assert 520 < rows.where(pool_side(1, [], 0.3)).count() < 680
    assert rows.where(pool_side(1, ["s"], 0.3)).count() == 2000
    assert rows.where(pool_side(1, ["other"], 0.3)).count() == 0


def test_what_equals_gold_once_normalised_is_discarded(spark: SparkSession) -> None:
    seeded = _seeded(spark)
    same = {"free pool": "n", "free wild": "n", "train": "n", "validation": "m"}
    comparisons = spark.createDataFrame(
        [(row[0], same.get(row[0], row[0])) for row in ROWS], "comparison_id string, normalised_comparison_id string"
    )
    gold = seeded.where("role = 'gold-train'").select("comparison_id")
    found = twins(gold, seeded.select("comparison_id"), comparisons)
    assert sorted(row[0] for row in found.collect()) == ["free pool", "free wild"]
    rows = discarding(seeded, found)
    assert rows.columns == seeded.columns
    changed = {"free pool": "discarded", "free wild": "discarded"}
    assert _by_id(rows, "role") == {**_by_id(seeded, "role"), **changed}


def test_of_equal_comparisons_in_several_groups_one_group_keeps_its_own(spark: SparkSession) -> None:
    rows = [
        ("c1", "north", "n"), ("c2", "south", "n"), ("c3", "north", "n"), ("c4", "south", "m"), ("c5", "south", "m"),
        ("c6", "north", "o"), ("c7", "south", "p"),
    ]  # fmt: skip
    named = spark.createDataFrame(rows, "comparison_id string, `group` string, normalised_comparison_id string")
    found = twins_across_groups(named.drop("normalised_comparison_id"), named.drop("group"))
    assert [row[0] for row in found.collect()] == ["c2"]


def test_roles_are_counted_against_what_hygiene_let_through(spark: SparkSession) -> None:
    labels = spark.createDataFrame(ROWS, LABELS)
    done = _seeded(spark).where("role != 'stage1_pool'")
    assert sum(reconciled_roles(done, labels.where("comparison_id != 'free pool'")).values()) == len(ROWS) - 1
    with pytest.raises(SynprefError, match="1 comparisons have no role, 0 have a role but no source label, 0 are left"):
        reconciled_roles(done, labels)
    with pytest.raises(SynprefError, match="0 comparisons have no role, 1 have a role but no source label, 1 are left"):
        reconciled_roles(_seeded(spark), labels.where("comparison_id != 'free pool'"))
