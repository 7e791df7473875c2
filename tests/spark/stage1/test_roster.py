from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.pairs.identity import prompt_id
from synpref.stage1.admission import AdmissionRule
from synpref.stage1.human_labels import aggregated, human_vote
from synpref.stage1.items import ATTRIBUTES
from synpref.stage1.requests import rendered, with_few_shots
from synpref.stage1.roster import Examination, RosterJudge, answered, examine, judged
from synpref.stage1.vote import judge_vote, open_comparisons, open_labels, roster_open, roster_vote, still_open

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
    """Judges by name that answer as told, and a count of what each was asked."""

    def __init__(self, **verdicts: Callable[[], Column]) -> None:
        self.requests = dict.fromkeys(verdicts, 0)
        self.times = 0
        self._verdicts = verdicts

    def __call__(self, requests: DataFrame, judges: Sequence[RosterJudge]) -> DataFrame:
        self.times += 1
        answers = []
        for judge in judges:
            self.requests[judge.name] += requests.count()
            facts = {"judge": F.lit(judge.name), "engine_id": F.lit(judge.name)}
            answers.append(requests.withColumns({**facts, "verdict": self._verdicts[judge.name]()}))
        return reduce(DataFrame.unionByName, answers)


def _right() -> Column:
    return F.when(F.substring("comparison_id", 2, 9).cast("int") % 2 == 0, "a").otherwise("b")


def _by_position() -> Column:
    return F.when(F.col("order") == "ab", "a").otherwise("b")


def _wrong() -> Column:
    return F.when(F.substring("comparison_id", 2, 9).cast("int") % 2 == 0, "b").otherwise("a")


def _how(spark: SparkSession, most: int = 110) -> Examination:
    return Examination(RULE, first_batch=32, max_comparisons=most, seed=1, canaries=_items(spark, 8))


def test_each_judge_is_asked_until_it_can_no_longer_be_admitted(spark: SparkSession) -> None:
    ask = Asked(knows=_right, position=_by_position)
    judges = [RosterJudge(name, 1, 0, canaries=False) for name in ("knows", "position")]
    found = examine(judges, _items(spark, 120), ask, _how(spark, 100))
    assert (found["knows"].admitted, found["knows"].asked) == (True, 100)
    assert found["position"].admitted is False
    assert ask.requests == {"knows": 2 * (32 + 64 + 100), "position": 2 * 32}
    assert ask.times == 3  # once a round, whoever is still open


def test_judges_of_different_shape_see_their_own_requests(spark: SparkSession) -> None:
    ask = Asked(once=_right, thrice=_right)
    judges = [RosterJudge("once", 1, 0, canaries=False), RosterJudge("thrice", 3, 0, canaries=False)]
    found = examine(judges, _items(spark, 120), ask, _how(spark))
    assert {name: one.admitted for name, one in found.items()} == {"once": True, "thrice": True}
    assert 3 * ask.requests["once"] == ask.requests["thrice"] == 3 * 2 * (32 + 64 + 110)


def test_a_judge_that_inverts_canaries_is_asked_nothing_else(spark: SparkSession) -> None:
    ask = Asked(inverts=_wrong, knows=_right)
    found = examine([RosterJudge(name, 1, 0) for name in ("inverts", "knows")], _items(spark, 120), ask, _how(spark))
    assert found["inverts"].admitted is False
    assert "canaries" in found["inverts"].reason
    assert found["knows"].admitted is True
    assert ask.requests["inverts"] == 16


def test_the_roster_s_label_is_its_functions_applied(spark: SparkSession) -> None:
    judges = [RosterJudge("right", 1, 0), RosterJudge("position", 1, 0)]
    with judged(_items(spark, 6), judges, Asked(right=_right, position=_by_position)) as votes:
        rows = votes.collect()
    assert len(rows) == 6
    for row in rows:
        truth = "ab"[int(row["comparison_id"][1:]) % 2]
        labels = [judge_vote([truth, truth]).label, judge_vote(["a", "b"]).label]
        expected = roster_vote(labels, 2)
        assert (row["label"], row["votes_a"], row["votes_b"], row["votes_none"]) == expected


def _by_sample() -> Column:
    """c0: a in every answer; c1: no majority in reach after two of three samples; c2: the last sample decides."""
    late = F.when(F.col("sample") < 1, "a").when(F.col("sample") < 2, "b").otherwise("a")
    never = F.when(F.col("sample") < 1, F.when(F.col("order") == "ab", "a").otherwise("b")).otherwise("unparsed")
    return F.when(F.col("comparison_id") == "c0", "a").when(F.col("comparison_id") == "c1", never).otherwise(late)


def test_the_last_samples_are_asked_only_where_they_can_change_the_label(spark: SparkSession) -> None:
    ask = Asked(drawn=_by_sample, once=_right)
    judges = [RosterJudge("drawn", 3, 0), RosterJudge("once", 1, 0)]
    with judged(_items(spark, 3), judges, ask) as votes:
        labels = {row["comparison_id"]: (row["label"], row["votes_none"]) for row in votes.collect()}
    assert ask.requests == {"drawn": 3 * 2 * 2 + 2, "once": 3 * 2}
    assert ask.times == 3  # the judge of one sample is asked once
    assert labels == {"c0": ("a", 0), "c1": ("b", 1), "c2": ("a", 0)}


def test_open_comparisons_are_those_of_the_plain_rule(spark: SparkSession) -> None:
    total, left = 10, 4
    counts = [(a, b) for a in range(7) for b in range(7 - a)]
    words = {(a, b): ["a"] * a + ["b"] * b + ["unparsed"] * (6 - a - b) for a, b in counts}
    rows = [(f"{a}-{b}", word) for (a, b), said in words.items() for word in said]
    verdicts = spark.createDataFrame(rows, "comparison_id string, verdict string")
    found = {row["comparison_id"] for row in open_comparisons(verdicts, left, total).collect()}
    assert found == {f"{a}-{b}" for a, b in counts if still_open(a, b, left, total)}


def test_open_labels_are_those_of_the_plain_rule(spark: SparkSession) -> None:
    admitted = 5
    for left in (0, 1, 2):
        asked = admitted - left
        counts = [(a, b) for a in range(asked + 1) for b in range(asked + 1 - a)]
        said = {(a, b): ["a"] * a + ["b"] * b + [None] * (asked - a - b) for a, b in counts}
        rows = [(f"{a}-{b}", f"judge {n}", one) for (a, b), labels in said.items() for n, one in enumerate(labels)]
        labels = spark.createDataFrame(rows, "comparison_id string, judge string, label string")
        found = {row["comparison_id"] for row in open_labels(labels, left, admitted).collect()}
        assert found == {f"{a}-{b}" for a, b in counts if roster_open(a, b, left, admitted)}


def _unsure() -> Column:
    """No label for every third comparison, the right one for the others."""
    return F.when(F.substring("comparison_id", 2, 9).cast("int") % 3 == 0, "no_preference").otherwise(_right())


def test_judges_behind_a_decided_majority_are_not_asked(spark: SparkSession) -> None:
    ask = Asked(right=_right, unsure=_unsure, wrong=_wrong)
    judges = [RosterJudge("right", 1, 0), RosterJudge("unsure", 1, 0), RosterJudge("wrong", 1, 0)]
    with judged(_items(spark, 6), judges, ask) as votes:
        rows = {row["comparison_id"]: row for row in votes.collect()}
    assert ask.requests == {"right": 12, "unsure": 12, "wrong": 4}  # c0 and c3 alone are open
    assert ask.times == 2  # those who are asked about everything together
    for name, row in rows.items():
        number = int(name[1:])
        truth, other = ("ab", "ba")[number % 2]
        everyone = [truth, truth if number % 3 else None, other]
        assert row["label"] == roster_vote(everyone, 3).label
        asked = everyone if number % 3 == 0 else everyone[:2]
        assert (row["votes_a"], row["votes_b"], row["votes_none"]) == roster_vote(asked, 3)[1:]
        assert row["margin"] == roster_vote(asked, 3).margin


def _cached(spark: SparkSession) -> set[int]:
    return set(spark.sparkContext._jsc.getPersistentRDDs())


def test_nothing_stays_cached_after_judging(spark: SparkSession) -> None:
    before = _cached(spark)  # other tests share the session
    names = ("right", "unsure", "wrong")
    ask = Asked(right=_right, unsure=_unsure, wrong=_wrong)
    with judged(_items(spark, 6), [RosterJudge(name, 1, 0) for name in names], ask) as votes:
        votes.collect()
        assert _cached(spark) - before
    assert not _cached(spark) - before


def test_answers_are_those_of_the_engines_asked_with_the_judge_s_name(spark: SparkSession) -> None:
    verdicts = spark.createDataFrame(
        [("x", "h", "ab", 0, "e1", "a"), ("x", "h", "ab", 0, "e2", "b"), ("x", "h", "ab", 0, "e3", "a"),
         ("y", "h", "ab", 0, "e1", "a")],
        "comparison_id string, prompt_hash string, `order` string, sample int, engine_id string, verdict string",
    )  # fmt: skip
    requests = verdicts.where("comparison_id = 'x' AND engine_id = 'e1'").drop("engine_id", "verdict")
    rows = answered(requests, verdicts, {"one": "e1", "two": "e2"}).collect()
    assert {(row["judge"], row["comparison_id"], row["verdict"]) for row in rows} == {
        ("one", "x", "a"),
        ("two", "x", "b"),
    }


def test_requests_hold_both_orders_every_sample_and_a_hash_of_what_is_shown(spark: SparkSession) -> None:
    requests = rendered(_items(spark, 2), 3).collect()
    assert {(row["comparison_id"], row["order"], row["sample"]) for row in requests} == {
        (f"c{n}", order, sample) for n in range(2) for order in ("ab", "ba") for sample in range(3)
    }
    assert len({row["prompt_hash"] for row in requests}) == 4
    conversations = {(row["comparison_id"], row["prompt_id"]) for row in requests}
    assert conversations == {(row["comparison_id"], prompt_id(row["messages"])) for row in _items(spark, 2).collect()}
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


def test_a_judge_that_is_shown_examples_is_asked_about_canaries_which_have_none(spark: SparkSession) -> None:
    items = _items(spark, 120)
    retrieved = spark.createDataFrame([("c0", "c1", 1)], "query string, retrieved string, rank int")
    shown = with_few_shots(items, retrieved, items, 4)
    found = examine([RosterJudge("knows", 1, 4)], shown, Asked(knows=_right), _how(spark))
    assert found["knows"].admitted is True


def test_a_judge_that_answers_no_canary_is_refused(spark: SparkSession) -> None:
    def silent(requests: DataFrame, judges: Sequence[RosterJudge]) -> DataFrame:
        return Asked(mute=_right)(requests, judges).where("false")

    assert examine([RosterJudge("mute", 1, 0)], _items(spark, 120), silent, _how(spark))["mute"].admitted is False
