"""The dtype of an engine: measured once, then that of its first answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synpref.errors import InputError
from synpref.inference.dtype import settled
from synpref.inference.fill import fill
from synpref.inference.record import record_engines
from synpref.inference.spec import EngineSpec
from synpref.store.warehouse import Warehouse


@pytest.fixture
def model(tmp_path: Path) -> str:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"max_position_embeddings": 512}')
    (folder / "model.safetensors").write_bytes(b"weights")
    return str(folder)


def test_the_dtype_of_an_engines_first_answers_stays(warehouse: Warehouse, model: str) -> None:
    spec = EngineSpec.of("embedder", "e", model)
    record_engines(warehouse, spec.having(max_tokens=64, dtype="float16").card)  # another engine
    assert settled(warehouse, spec).text("dtype") in ("float32", "bfloat16")  # measured on a worker
    record_engines(warehouse, spec.having(dtype="float16").card)
    again = settled(warehouse, spec.having(threads=3))
    assert again.text("dtype") == "float16"
    assert settled(warehouse, spec.having(dtype="float32")).text("dtype") == "float32"


def test_a_reward_model_takes_no_more_tokens_than_it_has_positions(warehouse: Warehouse, model: str) -> None:
    spec = settled(warehouse, EngineSpec.of("reward", "rm", model, dtype="float32"))
    assert spec.integer("max_tokens", 0) == 512
    assert spec.card.details["max_tokens"] == 512


def test_a_missing_model_folder_is_an_input_error_before_anything_is_written(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path
) -> None:
    rows = spark.createDataFrame([("1", "text")], "text_id string, text string")
    spec = EngineSpec.of("embedder", "e", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="gone"):
        fill(warehouse, table="embeddings", inputs=rows, spec=spec, stage="embed", shard_rows=10)
    assert not warehouse.exists("engines")
