"""Test responses that the scorer refuses: their comparisons are left out and counted, nothing fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow import final_models
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.warehouse import Warehouse

MODEL = Path(__file__).resolve().parents[3] / ".cache/models/all-minilm-l6-v2"
FINAL = {"original": [{"name": "original-1", "model_id": MODEL.name}]}
LONG = "one two three " * 20


def _stage(warehouse: Warehouse, overlong: str) -> Stage:
    cache = MODEL.parents[1]  # its models are those of the run
    words = [f"run.dir={cache}", f"scorer.overlong={overlong}", "scorer.max_tokens=16", "train.max_tokens=32"]
    return Stage("evaluate", "run", load_settings(["demo"], words), warehouse, Gate())


def _responses(folder: Path) -> Path:
    (folder / "responses").mkdir()
    asked = [{"role": "user", "content": "Count."}]
    rows: list[dict[str, Any]] = [
        {"response_id": name, "messages": asked, "text": text} for name, text in (("short", "one"), ("long", LONG))
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "responses" / "part.parquet")
    return folder


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`")
def test_a_response_above_the_limit_is_refused_or_cut_as_the_settings_say(warehouse: Warehouse, tmp_path: Path) -> None:
    folder = _responses(tmp_path)
    tokens, refused = final_models.tokens_of(_stage(warehouse, "refuse"), FINAL, folder)
    assert refused == {"long": "overlong"}
    assert set(tokens) == {"short"}
    cut, none = final_models.tokens_of(_stage(warehouse, "truncate_left"), FINAL, folder)
    assert not none
    assert cut["long"] == (32, True)
    assert cut["short"][1] is False


def test_comparisons_with_a_refused_response_on_either_side_are_left_out(
    spark: SparkSession, warehouse: Warehouse
) -> None:
    rows = [("1", "short", "fine", "a"), ("2", "long", "fine", "a"), ("3", "short", "long", "b")]
    tested = spark.createDataFrame(rows, "comparison_id string, response_a string, response_b string, winner string")
    left = final_models.scorable(tested, ["long"])
    assert [row["comparison_id"] for row in left.collect()] == ["1"]
    assert left.columns == tested.columns
    warehouse.insert("quarantine", final_models.unscored_rows(tested, left, "c"), unique=True)
    refused = warehouse.read("quarantine").where("campaign = 'c' AND stage = 'evaluate' AND reason = 'unscored'")
    assert {row["row_key"] for row in refused.collect()} == {"2", "3"}


def test_nothing_to_test_is_told_with_what_to_do(spark: SparkSession) -> None:
    tested = spark.createDataFrame([("1", "a", "b")], "comparison_id string, response_a string, response_b string")
    with pytest.raises(InputError, match="raise it"):
        final_models.scorable(tested, ["a"])
