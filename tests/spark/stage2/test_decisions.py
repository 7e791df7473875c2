from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from synpref.stage2 import decisions as decide
from synpref.stage2.curated import curated
from synpref.stage2.gate import gate, opinion
from synpref.stage2.training_sets import MIXES, training_set

WILD = "comparison_id string, response_a string, response_b string, fold int, source_label string"
REWARDS = "response_id string, engine_id string, reward double"
REFUSED = "response_id string, engine_id string"
ROWS = [
    ("agree", "a1", "b1", None, "a"),
    ("reject", "a1", "b1", None, "b"),
    ("split", "a2", "b2", None, "a"),
    ("judged for", "a3", "b3", None, "a"),
    ("judged against", "a3", "b3", None, "a"),
    ("no verdict", "a3", "b3", None, "a"),
    ("tie", "a1", "b1", None, "tie"),
]
SCORES = [
    ("a1", "gold", 2.0), ("b1", "gold", 0.0), ("a1", "best", 1.0), ("b1", "best", -1.0),
    ("a2", "gold", 0.0), ("b2", "gold", 1.0), ("a2", "best", 1.0), ("b2", "best", 0.0),
    ("a3", "gold", 1.0), ("b3", "gold", 0.0), ("a3", "best", 0.0), ("b3", "best", 1.0),
]  # fmt: skip
JUDGED = [("judged for", "a"), ("judged against", "b"), ("no verdict", None)]


def _opinions(spark: SparkSession, rows: Any = ROWS, refused: Any = ()) -> DataFrame:
    rewards, nothing = spark.createDataFrame(SCORES, REWARDS), spark.createDataFrame(list(refused), REFUSED)
    scored = decide.scored(spark.createDataFrame(rows, WILD), rewards, nothing, "gold", {None: "best"})
    return decide.opinions(scored, 0.0)


def _decided(spark: SparkSession) -> DataFrame:
    judged = spark.createDataFrame(JUDGED, "comparison_id string, judge_label string")
    return decide.by_gate(_opinions(spark), judged)


def _rows(frame: DataFrame) -> dict[str, Row]:
    return {row["comparison_id"]: row for row in frame.collect()}


def test_a_comparison_without_a_role_is_to_be_decided(spark: SparkSession) -> None:
    names = ("gold-train", "silver", "wild", "held_out", "gold-validation", "gold-test", "discarded")
    roles = spark.createDataFrame([(name, name) for name in names], "comparison_id string, role string")
    labels = spark.createDataFrame([(name,) for name in (*names, "forgotten")], "comparison_id string")
    assert set(_rows(decide.to_be_decided(labels, roles))) == {"gold-train", "silver", "wild", "forgotten"}


def test_wild_is_decided_by_the_gate(spark: SparkSession) -> None:
    rows = _rows(_decided(spark))
    assert {name: (row["decision"], row["reason"], row["label"]) for name, row in rows.items()} == {
        "agree": ("keep", "both_agree", "a"),
        "reject": ("flip", "both_reject", "a"),
        "split": ("drop", "split", None),
        "judged for": ("keep", "gold_and_judges_agree", "a"),
        "judged against": ("drop", "judges_against", None),
        "no verdict": ("drop", "no_verdict", None),
        "tie": ("drop", "no_source_label", None),
    }


def test_each_decision_is_what_the_pure_rule_says_of_its_own_numbers(spark: SparkSession) -> None:
    asked: dict[str, str | None] = dict(JUDGED)
    for name, row in _rows(_decided(spark)).items():
        if row["source_label"] not in ("a", "b"):
            continue
        sides = [row[p] if row["source_label"] == "a" else 1 - row[p] for p in ("p_gold", "p_best")]
        judges = None
        if name in asked:
            judges = {None: "none", row["source_label"]: "agree"}.get(asked[name], "oppose")
        assert (row["decision"], row["reason"]) == gate(opinion(sides[0], 0), opinion(sides[1], 0), judges), name


def test_judges_are_asked_where_gold_agrees_and_best_does_not(spark: SparkSession) -> None:
    asked = {row["comparison_id"] for row in decide.to_be_judged(_opinions(spark)).collect()}
    assert asked == {"judged for", "judged against", "no verdict"}


def test_a_cross_fitted_comparison_is_scored_by_the_model_of_the_other_half(spark: SparkSession) -> None:
    wild = spark.createDataFrame([("x", "a", "b", 0, "a"), ("y", "a", "b", 1, "a")], WILD)
    scores = [("a", "gold", 1.0), ("b", "gold", 0.0)]
    scores += [("a", "scores half 0", 5.0), ("b", "scores half 0", 0.0)]
    scores += [("a", "scores half 1", 0.0), ("b", "scores half 1", 5.0)]
    best: dict[int | None, str] = {0: "scores half 0", 1: "scores half 1"}
    refused = spark.createDataFrame([], REFUSED)
    rows = _rows(decide.scored(wild, spark.createDataFrame(scores, REWARDS), refused, "gold", best))
    assert {name: row["best_engine_id"] for name, row in rows.items()} == {"x": best[0], "y": best[1]}
    assert rows["x"]["p_best"] > 0.99
    assert rows["y"]["p_best"] < 0.01


def test_what_a_reward_model_refused_is_dropped_as_unscored_and_no_judge_is_asked(spark: SparkSession) -> None:
    rows = [
        ("gold refused", "a1", "long", None, "a"),
        ("both refused", "long", "longer", None, "a"),
        ("tie", "a1", "long", None, "tie"),
        ("one refused, one missing", "a1", "odd", None, "a"),
        ("missing", "a1", "unknown", None, "a"),
    ]
    engines = ("gold", "best")
    refused = [(name, engine) for name in ("long", "longer") for engine in engines] + [("odd", "gold")]
    opinions = _opinions(spark, rows, refused).cache()
    assert decide.to_be_judged(opinions).count() == 0
    nobody = spark.createDataFrame([], "comparison_id string, judge_label string")
    decided = _rows(decide.by_gate(opinions, nobody))
    assert {name: (row["decision"], row["reason"]) for name, row in decided.items()} == {
        "gold refused": ("drop", "unscored"),
        "both refused": ("drop", "unscored"),
        "tie": ("drop", "unscored"),
        "one refused, one missing": ("drop", "missing"),
        "missing": ("drop", "missing"),
    }
    assert decided["gold refused"]["p_gold"] is None


def test_a_pair_that_only_the_best_model_refused_is_not_judged(spark: SparkSession) -> None:
    opinions = _opinions(spark, [("x", "a4", "b4", None, "a")], [("b4", "best")])
    row = opinions.withColumn("gold", F.lit("agrees"))
    assert _rows(row)["x"]["best"] == "unscored"
    assert decide.to_be_judged(row).isEmpty()


def test_a_response_that_one_job_lost_and_another_scored_counts_once_and_as_scored(spark: SparkSession) -> None:
    found = _opinions(spark, ROWS[:1], [("a1", "gold"), ("b1", "best")]).collect()
    assert [(row["comparison_id"], row["gold"], row["best"]) for row in found] == [("agree", "agrees", "agrees")]


def test_refusals_are_read_from_the_row_keys_of_quarantine(spark: SparkSession) -> None:
    rows = [
        ("score", "r1:e1", "overlong"),
        ("stage1", "r1:e1", "engine_error"),
        ("score", "r2:other", "overlong"),
        ("ingest", "file:7", "missing_response"),
        ("stage2", "c:hash:ab:0:e1", "overlong"),
        ("hygiene", "c1", "prompt_contaminated"),
    ]
    quarantine = spark.createDataFrame(rows, "stage string, row_key string, reason string")
    found = decide.refusals(quarantine, ["e1", "e2"]).collect()
    assert [(row["response_id"], row["engine_id"]) for row in found] == [("r1", "e1")]


def test_gold_and_silver_are_decided_by_their_label(spark: SparkSession) -> None:
    rows = [("x", "gold-train", "a", "a"), ("w", "gold-train", "a", None)]
    rows += [("y", "silver", "a", "b"), ("z", "silver", "none", "b")]
    labelled = spark.createDataFrame(rows, "comparison_id string, role string, source_label string, label string")
    decided = _rows(decide.by_label(labelled))
    assert {name: (row["decision"], row["reason"]) for name, row in decided.items()} == {
        "x": ("keep", "label_agrees"),
        "y": ("flip", "label_opposes"),
        "z": ("flip", "new_label"),
        "w": ("drop", "no_label"),
    }
    assert decided["y"]["judge_label"] == "b"
    assert decided["x"]["judge_label"] is None


def test_the_three_training_sets(spark: SparkSession) -> None:
    decided = _decided(spark)
    sets: dict[str, dict[str, Any]] = {
        mix: {row["comparison_id"]: row["winner"] for row in training_set(decided, mix).collect()} for mix in MIXES
    }
    assert sets["original"] == {name: label for name, _, _, _, label in ROWS if label in ("a", "b")}
    assert sets["filtered"] == {"agree": "a", "judged for": "a"}
    assert sets["filtered_corrected"] == {"agree": "a", "judged for": "a", "reject": "a"}


def test_a_flipped_pair_is_published_in_its_new_orientation(spark: SparkSession) -> None:
    decided = decide.stamped(_decided(spark).where("comparison_id IN ('reject', 'judged for')"), "c", "p")
    labels = spark.createDataFrame([("reject", "s"), ("judged for", "s")], "comparison_id string, source string")
    comparisons = spark.createDataFrame(
        [("reject", "prompt", "a1", "b1"), ("judged for", "prompt", "a3", "b3")],
        "comparison_id string, prompt_id string, response_a string, response_b string",
    )
    prompts = spark.createDataFrame(
        [("prompt", [("user", "Why?")])], "prompt_id string, messages array<struct<role: string, content: string>>"
    )
    texts = [(name, f"text of {name}") for name in ("a1", "b1", "a3", "b3")]
    responses = spark.createDataFrame(texts, "response_id string, text string")
    rows = _rows(curated(decided, labels, comparisons, prompts, responses, "filtered_corrected"))
    assert (rows["reject"]["chosen"], rows["reject"]["rejected"]) == ("text of a1", "text of b1")
    assert rows["reject"]["decision"] == "flip"
    assert rows["reject"]["p_gold"] > 0.5
    assert rows["judged for"]["p_best"] < 0.5
    kept = curated(decided, labels, comparisons, prompts, responses, "filtered")
    assert [row["comparison_id"] for row in kept.select(F.col("comparison_id")).collect()] == ["judged for"]
