"""When a stage holds to its contract what engines wrote."""

from __future__ import annotations

from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.flow.gates import inference_table
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.warehouse import Warehouse


def test_what_a_run_held_and_nobody_added_to_is_not_held_again(spark: SparkSession, warehouse: Warehouse) -> None:
    rows = spark.createDataFrame([("t", "e", [1.0])], "text_id string, engine_id string, vector array<float>")
    warehouse.insert("embeddings", rows, unique=True)
    stage = Stage("stage2", "run", load_settings(["demo"], []), warehouse, Gate())
    inference_table(stage, "embeddings", ["e"], grown=False)
    first = len(stage.gate.results)
    inference_table(stage, "embeddings", ["e"], grown=False)
    assert len(stage.gate.results) == first > 0
    inference_table(stage, "embeddings", ["e"])
    inference_table(stage, "embeddings", ["e", "another"], grown=False)
    assert len(stage.gate.results) == 3 * first
