from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.stage1.admission import AdmissionRule
from synpref.stage1.agreement import agreement
from synpref.stage1.human_labels import aggregated, human_vote
from synpref.stage1.items import ATTRIBUTES
from synpref.stage1.requests import rendered, with_few_shots
from synpref.stage1.roster import RosterJudge, examine, judged
from synpref.stage1.vote import judge_vote, roster_vote

RULE = AdmissionRule(min_agreement=0.6, min_comparisons=100, z=1.96)
ITEM = (
    "comparison_id string, messages array<struct<role: string, content: string>>, text_a string, text_b string, "
    f"attributes {ATTRIBUTES}, label string"
)


def _items(spark: SparkSession, count: int) -> DataFrame:
    rows = [
        (f"c{n}", [("user", f"Question {n}?")], f"answer a of {n}", f"answer b of {n}", None, "ab"[n % 2])
        for n in range(count)
    ]
    return spark.createDataFrame(rows, ITEM)


class Asked:
    """A judge that keeps count of what it was asked."""

    def __init__(self, verdict: Callable[[], Column], engine: str = "engine") -> None:
        self.requests = 0
        self._verdict = verdict
        self._engine = engine

    def __call__(self, requests: DataFrame) -> DataFrame:
        self.requests += requests.count()
        return requests.withColumns({"verdict": self._verdict(), "engine_id": F.lit(self._engine)})


def _right() -> Column:
    return F.when(F.substring("comparison_id", 2, 9).cast("int") % 2 == 0, "a").otherwise("b")


def _by_position() -> Column:
    return F.when(F.col("order") == "ab", "a").otherwise("b")


def test_a_judge_that_knows_is_admitted_and_asked_both_orders_once(spark: SparkSession) -> None:
    ask = Asked(_right)
    decision = examine(RosterJudge("x", 1, 0, ask), _items(spark, 120), RULE, 32, 110, 1)
    assert decision.admitted is True
    assert decision.asked == 110
    assert ask.requests == 2 * (32 + 64 + 110)


def test_a_judge_that_answers_by_position_is_asked_nothing_after_the_first_batch(spark: SparkSession) -> None:
    ask = Asked(_by_position)
    decision = examine(RosterJudge("x", 1, 0, ask), _items(spark, 120), RULE, 32, 100, 1)
    assert decision.admitted is False
    assert ask.requests == 2 * 32


def test_a_judge_that_inverts_canaries_is_asked_nothing_else(spark: SparkSession) -> None:
    canaries = _items(spark, 8)
    ask = Asked(lambda: F.when(F.substring("comparison_id", 2, 9).cast("int") % 2 == 0, "b").otherwise("a"))
    decision = examine(RosterJudge("x", 1, 0, ask, canaries), _items(spark, 120), RULE, 32, 110, 1)
    assert decision.admitted is False
    assert "canaries" in decision.reason
    assert ask.requests == 16


def test_the_roster_s_label_is_its_functions_applied(spark: SparkSession) -> None:
    judges = [
        RosterJudge("right", 1, 0, Asked(_right, "first")),
        RosterJudge("position", 1, 0, Asked(_by_position, "second")),
    ]
    for row in judged(_items(spark, 6), judges).collect():
        truth = "ab"[int(row["comparison_id"][1:]) % 2]
        labels = [judge_vote([truth, truth]).label, judge_vote(["a", "b"]).label]
        expected = roster_vote(labels, 2)
        assert (row["label"], row["votes_a"], row["votes_b"], row["votes_none"]) == expected


def test_agreement_needs_the_gold_label_in_every_answer(spark: SparkSession) -> None:
    verdicts = spark.createDataFrame(
        [("x", "a"), ("x", "a"), ("y", "a"), ("y", "b"), ("z", "unparsed"), ("z", "a"), ("not gold", "a")],
        "comparison_id string, verdict string",
    )
    gold = spark.createDataFrame([("x", "a"), ("y", "a"), ("z", "a")], "comparison_id string, label string")
    assert agreement(verdicts, gold) == (1, 3)


def test_requests_hold_both_orders_every_sample_and_a_hash_of_what_is_shown(spark: SparkSession) -> None:
    requests = rendered(_items(spark, 2), 3).collect()
    assert {(row["comparison_id"], row["order"], row["sample"]) for row in requests} == {
        (f"c{n}", order, sample) for n in range(2) for order in ("ab", "ba") for sample in range(3)
    }
    assert len({row["prompt_hash"] for row in requests}) == 4
    turned = next(row for row in requests if (row["comparison_id"], row["order"]) == ("c0", "ba"))
    shown = turned["messages"][-1]["content"]
    assert shown.index("answer b of 0") < shown.index("answer a of 0")


def test_few_shots_stand_in_rank_order_with_their_ids_and_change_the_hash(spark: SparkSession) -> None:
    items = _items(spark, 1)
    examples = _items(spark, 5).where("comparison_id != 'c0'")
    retrieved = spark.createDataFrame(
        [("c0", "c3", 1), ("c0", "c1", 2), ("c0", "c4", 3)], "query string, retrieved string, rank int"
    )
    row = rendered(with_few_shots(items, retrieved, examples, 2), 1).orderBy("order").collect()[0]
    assert row["few_shots"] == ["c3", "c1"]
    text = row["messages"][-1]["content"]
    assert text.index("Question 3?") < text.index("Question 1?") < text.index("Question 0?")
    assert "Question 4?" not in text
    assert row["prompt_hash"] != rendered(items, 1).orderBy("order").collect()[0]["prompt_hash"]


def test_people_s_latest_answers_vote(spark: SparkSession) -> None:
    rows = [
        ("x", "ann", "1", "a"), ("x", "ann", "2", "b"), ("y", "ann", "1", "a"), ("y", "bob", "1", "b"),
        ("z", "ann", "1", "cannot_decide"), ("w", "ann", "1", "a"), ("w", "bob", "1", "a"), ("w", "cyd", "1", "b"),
    ]  # fmt: skip
    frame = spark.createDataFrame(rows, "comparison_id string, annotator string, batch string, verdict string")
    labels = {row["comparison_id"]: row["label"] for row in aggregated(frame).collect()}
    assert labels == {"x": "b", "y": None, "z": None, "w": "a"}
    assert labels["w"] == human_vote(["a", "a", "b"]).label
