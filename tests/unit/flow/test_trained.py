"""A model that stands is not trained again, but what was not logged yet is; what a trainer read is counted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.flow import model_record, models
from synpref.quality.gate import Gate
from synpref.reward import training
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(tmp_path)))
    (tmp_path / "models").mkdir()
    return Stage("train", "run", load_settings(["demo"], [f"run.dir={tmp_path}"]), nothing, Gate())


def test_a_kill_between_training_and_logging_loses_no_record(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []

    def found(data: Path, **plan: Any) -> Any:
        assert plan["settings"].dtype == "float32"
        return SimpleNamespace(model_id="m1", name=plan["name"], validation_accuracy=None, reused=True)

    def log(model: Any, version: object, *, metrics: object, with_model: bool) -> str:
        if not logged:
            logged.append("killed")
            raise KeyboardInterrupt
        logged.append(model.model_id)
        return "run"

    monkeypatch.setattr(training, "train_reward_model", found)
    monkeypatch.setattr(model_record, "log_training", log)
    monkeypatch.setattr(models, "_version", lambda stage, table: None)
    with pytest.raises(KeyboardInterrupt):
        models.trained(stage, "gold", tmp_path, tmp_path, "labels")
    for _ in range(2):
        models.trained(stage, "gold", tmp_path, tmp_path, "labels")
    assert logged == ["killed", "m1"]


def test_comparisons_that_a_trainer_neither_read_nor_refused_are_counted() -> None:
    read: Any = [SimpleNamespace(rows={"comparisons": 7, "comparisons_refused": 2}) for _ in range(2)]
    assert models.unread(9, read) == 0
    assert models.unread(10, read) == 2
