"""Labels of files that serve as gold, truth or tests: each campaign has its own."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.config import inputs_hash, load_settings
from synpref.flow.answers import of_provider
from synpref.flow.final_models import labelled_winners
from synpref.flow.truth import known_truth
from synpref.hygiene.file_gold import file_gold
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse


def _stage(warehouse: Warehouse, file_id: str, *words: str) -> Stage:
    settings = load_settings(["demo"], ["humans.provider=source", "truth=unflipped", *words])
    stage = Stage("hygiene", "run", settings, warehouse, Gate())
    stage.left["ingest", inputs_hash(settings)] = {"file_ids": [file_id]}
    return stage


def _truth(spark: SparkSession, campaign: str, winner: str) -> DataFrame:
    return spark.createDataFrame([(campaign, "c", winner, "unflipped", None, None)], TABLES["truth"].ddl())


def test_corrected_labels_of_a_file_are_the_gold_and_the_truth_of_the_next_campaign(
    spark: SparkSession, warehouse: Warehouse
) -> None:
    chosen = spark.createDataFrame([("c", "web", "human")], "comparison_id string, source string, label_origin string")
    stages = {winner: _stage(warehouse, f"file with {winner}") for winner in ("a", "b")}
    for winner, stage in stages.items():
        unflipped = spark.createDataFrame([("c", winner)], "comparison_id string, winner string")
        warehouse.insert("human_labels", file_gold(chosen, unflipped, stage.campaign()), unique=True)
        warehouse.replace("truth", _truth(spark, stage.campaign(), winner), {"campaign": stage.campaign()})
    for winner, stage in stages.items():
        gold = of_provider(stage, warehouse.read("human_labels")).collect()
        assert [(row["annotator"], row["verdict"]) for row in gold] == [("source:web", winner)]
        assert [row["winner"] for row in known_truth(stage).collect()] == [winner]


def test_without_truth_tests_of_the_inputs_are_measured_beside_what_people_labelled(
    spark: SparkSession, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = _stage(warehouse, "f", "truth=none", "judges=[]", "attributes=[]")
    campaign = stage.campaign()
    sources = [
        (campaign, name, "g", use, label, None, "clean", "web", ["web"], "human", 1)
        for name, use, label in (
            ("test", "test", "b"), ("tie", "test", "tie"), ("pool", "pool", "a"), ("gold", "test", "a"),
        )
    ]  # fmt: skip
    labels = spark.createDataFrame(sources, TABLES["source_labels"].ddl())
    warehouse.replace("source_labels", labels, {"campaign": campaign})
    row = {"campaign": campaign, "iteration": 0, "comparison_id": "gold", "origin": "human", "label": "b"}
    values = tuple(row.get(column.name) for column in TABLES["labels"].columns)
    human = spark.createDataFrame([values], TABLES["labels"].ddl()).fillna(0)
    warehouse.replace("labels", human, {"campaign": campaign, "iteration": 0, "origin": "human"})
    winners = {row["comparison_id"]: row["winner"] for row in labelled_winners(stage, campaign).collect()}
    assert winners == {"test": "b", "gold": "b"}
    assert "no truth is known: the files' own labels of gold-test, and the labels of 2 tests" in capsys.readouterr().err
