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
from synpref.report.model_card import DataFacts
from synpref.reward import training
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

FACTS = DataFacts({}, {}, {}, {}, 0, [], "backbone")


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

    def log(model: Any, version: object, *, metrics: object, with_model: bool, run_id: str | None) -> str:
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


@pytest.mark.parametrize("logged", [True, False])
def test_a_final_model_gets_its_card_before_it_is_logged_and_once(
    logged: bool, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, done = SimpleNamespace(model_id="m1", path=tmp_path / "models" / "m1"), list[str]()
    model.path.mkdir()

    def write(model: Any, figures: object, facts: DataFacts) -> None:
        assert facts == FACTS
        model_record.card_of(model).touch()
        done.append("card")

    def record(*_: object) -> None:
        model_record.logged_in(stage, cast("Any", model)).touch()
        done.append("log")

    if logged:  # by an earlier version
        model_record.logged_in(stage, cast("Any", model)).touch()
    monkeypatch.setattr(models, "fitted", lambda *_: model)
    monkeypatch.setattr(models, "_version", lambda stage, table: None)
    monkeypatch.setattr(models, "write_card", write)
    monkeypatch.setattr(models, "recorded", record)
    for _ in range(2):
        models.trained(stage, "filtered-1", tmp_path, tmp_path, "decisions", 1, FACTS)
    assert done == (["card"] if logged else ["card", "log"])
