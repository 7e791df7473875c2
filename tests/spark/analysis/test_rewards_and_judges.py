"""Rewards against the truth, length against the truth, and what judges said, over tables."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from synpref.analysis.judges import judge_sums
from synpref.analysis.length import length_sums
from synpref.analysis.reward_models import comparisons_with_winner, reward_sums


def _tested(spark: SparkSession) -> DataFrame:
    chosen = spark.createDataFrame(
        [("c1", "g1"), ("c2", "g1"), ("c3", "g2"), ("tied", "g2"), ("unknown", "g2")],
        "comparison_id string, block string",
    )
    sides = [(key, f"{key}a", f"{key}b") for key in ("c1", "c2", "c3", "tied", "unknown", "other")]
    comparisons = spark.createDataFrame(sides, "comparison_id string, response_a string, response_b string")
    known = [("c1", "a"), ("c2", "b"), ("c3", "a"), ("tied", "tie"), ("other", "a")]
    truth = spark.createDataFrame(known, "comparison_id string, winner string")
    return comparisons_with_winner(chosen, comparisons, truth)


def test_only_chosen_comparisons_with_a_known_winner_are_tested(spark: SparkSession) -> None:
    rows = {row.comparison_id: (row.block, row.winner, row.response_a) for row in _tested(spark).collect()}
    assert rows == {"c1": ("g1", "a", "c1a"), "c2": ("g1", "b", "c2a"), "c3": ("g2", "a", "c3a")}


def test_rewards_are_right_wrong_or_half_and_missing_ones_are_counted(spark: SparkSession) -> None:
    rewards = spark.createDataFrame(
        [
            ("c1a", "m1", 2.0), ("c1b", "m1", 1.0), ("c2a", "m1", 0.0), ("c2b", "m1", 0.0),
            ("c3a", "m1", -1.0), ("c3b", "m1", 3.0), ("c1a", "m2", 1.0), ("c1b", "m2", 2.0),
            ("c2a", "m2", 1.0), ("c3a", "other", 9.0),
        ],
        "response_id string, engine_id string, reward double",
    )  # fmt: skip
    found = {
        (row.engine_id, row.block): (row.rows, row.right, row.unscored)
        for row in reward_sums(rewards, _tested(spark), ["m1", "m2", "m1"]).collect()
    }
    assert found == {
        ("m1", "g1"): (2, 1.5, 0), ("m1", "g2"): (1, 0.0, 0), ("m2", "g1"): (1, 0.0, 1), ("m2", "g2"): (0, 0.0, 1),
    }  # fmt: skip


def test_length_alone_is_right_wrong_or_half(spark: SparkSession) -> None:
    lengths = [("c1a", 9), ("c1b", 3), ("c2a", 5), ("c2b", 5), ("c3a", 1), ("c3b", 2)]
    responses = spark.createDataFrame(lengths, "response_id string, characters int")
    found = {row.block: (row.rows, row.right) for row in length_sums(_tested(spark), responses).collect()}
    assert found == {"g1": (2, 1.5), "g2": (1, 0.0)}


def _verdicts(spark: SparkSession, rows: list[tuple[str, str, str, int, str, list[str]]]) -> DataFrame:
    columns = "engine_id string, comparison_id string, `order` string, sample int, verdict string"
    return spark.createDataFrame(rows, f"{columns}, few_shots array<string>")


def test_answers_to_prompts_with_other_examples_are_no_change_with_the_order(spark: SparkSession) -> None:
    first = [("j", "c", order, 0, "a", ["s1"]) for order in ("ab", "ba")]
    later = [("j", "c", order, 0, "b", ["s2"]) for order in ("ab", "ba")]
    (row,) = judge_sums(_verdicts(spark, first + later)).collect()
    assert (row["ordered"], row["changed"]) == (2, 0)


def test_judges_are_counted_by_order(spark: SparkSession) -> None:
    answers = [
        ("j", "right", "ab", 0, "a"), ("j", "right", "ba", 0, "a"),
        ("j", "wrong", "ab", 0, "b"), ("j", "wrong", "ba", 0, "b"),
        ("j", "position", "ab", 0, "a"), ("j", "position", "ba", 0, "b"),
        ("j", "unparsed", "ab", 0, "a"), ("j", "unparsed", "ba", 0, "unparsed"),
        ("j", "once", "ab", 0, "a"),
        ("j", "no gold", "ab", 0, "a"), ("j", "no gold", "ba", 0, "no_preference"),
        ("k", "right", "ab", 0, "a"), ("k", "right", "ba", 0, "a"),
        ("k", "right", "ab", 1, "b"), ("k", "right", "ba", 1, "a"),
    ]  # fmt: skip
    verdicts = _verdicts(spark, [(*answer, ["s1"]) for answer in answers])
    found = {row.engine_id: row.asDict() for row in judge_sums(verdicts).collect()}
    first = found["j"]
    assert [first[f"verdicts_{one}"] for one in ("a", "b", "no_preference", "unparsed")] == [6, 3, 1, 1]
    assert (first["ordered"], first["changed"]) == (4, 2)
    second = found["k"]
    assert (second["ordered"], second["changed"]) == (2, 1)
