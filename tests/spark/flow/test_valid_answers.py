"""Attributes engines are told by how many of their answers are the five-tuple."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.flow.valid_answers import valid_answers
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

FIVE = {"task_category": "Math", "preference_objectivity": "Objective", "controversiality": "Low",
        "desired_attributes": "right", "annotation_guideline": "Check the sum."}  # fmt: skip


def test_valid_and_invalid_answers_are_counted_by_engine_and_said(
    spark: SparkSession, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [("c1", "e1", 0, "parsed"), ("c1", "e1", 1, "invalid"), ("c2", "e1", 0, "invalid"),
             ("c1", "e2", 0, "parsed"), ("elsewhere", "e1", 0, "parsed"), ("c1", "other", 0, "invalid")]  # fmt: skip
    rows = []
    for comparison, engine, sample, status in given:
        row = {"comparison_id": comparison, "engine_id": engine, "sample": sample, "status": status, "raw": "said"}
        row |= FIVE if status == "parsed" else {}
        rows.append(tuple(row.get(column.name) for column in TABLES["attributes"].columns))
    warehouse.insert("attributes", spark.createDataFrame(rows, TABLES["attributes"].ddl()), unique=True)
    stage = Stage("attributes", "run", load_settings(["demo"], []), warehouse, Gate())
    wanted = spark.createDataFrame([("c1",), ("c2",)], "comparison_id string")
    assert valid_answers(stage, wanted, {"small": "e1", "simulated": "e2", "silent": "e3"}) == {
        "small": {"parsed": 1, "invalid": 2},
        "simulated": {"parsed": 1, "invalid": 0},
        "silent": {"parsed": 0, "invalid": 0},
    }
    assert "small: 1 of 3 answers are valid attributes" in capsys.readouterr().err
