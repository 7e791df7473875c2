"""Comparisons that an engine's refusals cost: each once, by reason, and only where nothing answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.config import load_settings
from synpref.flow.lost import lost_comparisons, responses_for, undescribed
from synpref.flow.refused_comparisons import refused_comparisons
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

MODEL = Path(__file__).resolve().parents[3] / ".cache/models/all-minilm-l6-v2"
PAIRS = {"c1": ("r1", "r2"), "c2": ("r2", "r3"), "c3": ("r3", "r4"), "c4": ("r5", "r6")}


@pytest.fixture
def stage(spark: SparkSession, warehouse: Warehouse) -> Stage:
    """Four comparisons and what engines refused; `other` is an engine that nobody asks about."""
    pairs = [(name, f"n{name}", "p", *sides) for name, sides in PAIRS.items()]
    warehouse.insert("comparisons", spark.createDataFrame(pairs, TABLES["comparisons"].ddl()))
    refused = [
        ("-", "score", "r2:gold", "overlong", None, "{}"),
        ("-", "score", "r2:best", "engine_error", None, "{}"),
        ("-", "stage1", "r4:gold", "engine_unreachable", None, "{}"),  # scored by another job since
        ("-", "score", "r5:other", "overlong", None, "{}"),
        ("-", "attributes", "c1:0:first", "engine_error", None, "{}"),
        ("-", "attributes", "c2:0:first", "engine_error", None, "{}"),
        ("-", "attributes", "c3:1:first", "engine_error", None, "{}"),  # its other sample was answered
    ]
    warehouse.insert("quarantine", spark.createDataFrame(refused, TABLES["quarantine"].ddl()))
    schema = "response_id string, engine_id string, reward double, tokens int, truncated boolean"
    scored = [(name, "gold", 0.5, 3, False) for name in ("r1", "r3", "r4", "r5", "r6")]
    warehouse.insert("rewards", spark.createDataFrame(scored, schema))
    settings = load_settings(["demo"], [f"train.backbone={MODEL}", "train.max_tokens=16", "scorer.overlong=refuse"])
    return Stage("score", "run", settings, warehouse, Gate())


def _ids(stage: Stage, *names: str) -> DataFrame:
    return stage.warehouse.spark.createDataFrame([(name,) for name in names], "comparison_id string")


def test_a_comparison_with_a_refused_response_is_lost_once(stage: Stage) -> None:
    wild = _ids(stage, *PAIRS)
    asked = responses_for(stage, wild, "gold").unionByName(responses_for(stage, _ids(stage, "c1"), "best"))
    assert lost_comparisons(stage, "rewards", asked) == {"engine_error": 1, "overlong": 1}
    assert lost_comparisons(stage, "rewards", responses_for(stage, _ids(stage, "c3", "c4"), "gold")) == {}


def test_a_comparison_that_another_engine_or_sample_described_is_not_lost(spark: SparkSession, stage: Stage) -> None:
    stage.warehouse.create("attributes")
    names = TABLES["attributes"].columns
    given = [
        {"comparison_id": "c2", "engine_id": "second", "sample": 0, "status": "invalid", "raw": ""},
        {"comparison_id": "c3", "engine_id": "first", "sample": 0, "status": "invalid", "raw": ""},
    ]
    rows = [tuple(row.get(column.name) for column in names) for row in given]
    stage.warehouse.insert("attributes", spark.createDataFrame(rows, TABLES["attributes"].ddl()))
    assert undescribed(stage, _ids(stage, *PAIRS), ["first", "second"]) == {"engine_error": 1}


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`")
def test_what_is_too_long_to_train_on_is_in_quarantine(spark: SparkSession, stage: Stage) -> None:
    prompt = [("p", "n", [("user", "Count.")], "g", 1, 6, None)]
    texts = {"r1": "one", "r2": "one two three " * 20, "r3": "two", "r4": "three", "r5": "four", "r6": "five"}
    answers = [(name, f"n{name}", "p", text, len(text)) for name, text in texts.items()]
    stage.warehouse.insert("prompts", spark.createDataFrame(prompt, TABLES["prompts"].ddl()))
    stage.warehouse.insert("responses", spark.createDataFrame(answers, TABLES["responses"].ddl()))
    assert refused_comparisons(stage, "c", _ids(stage, "c2", "c3")) == {"overlong": 1}
    refused = stage.warehouse.read("quarantine").where("campaign = 'c'").collect()
    assert [(row["row_key"], row["reason"]) for row in refused] == [("c2", "overlong")]
    assert refused[0]["detail"] == "a response is above train.max_tokens"
