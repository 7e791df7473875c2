"""What simulated engines answer in a stage, and how their calls count."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.flow.answers import Calls, described
from synpref.quality.gate import Gate
from synpref.settings import AttributeEngine
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse


def test_simulated_attributes_that_stand_already_count_as_saved(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse.insert("truth", spark.createDataFrame([], TABLES["truth"].ddl()))
    stage = Stage("attributes", "run", load_settings(["demo"], [f"run.dir={tmp_path}"]), warehouse, Gate())
    engine = AttributeEngine(name="told", kind="simulated")
    counted = []
    for wanted in (["c1", "c2"], ["c1", "c2", "c3"], ["c1", "c2", "c3"]):
        calls, rows = Calls(), spark.createDataFrame([(one,) for one in wanted], "comparison_id string")
        described(stage, calls, engine, rows, rows)
        counted.append((calls.computed, calls.saved))
    assert counted == [(2, 0), (1, 2), (0, 3)]
