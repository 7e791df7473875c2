"""Trained models in a real MLflow store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.rows import read_responses
from synpref.reward.scoring import score_responses
from synpref.reward.tracking import FilesRead, TableVersion, log_training
from synpref.reward.training import train_reward_model

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]

TABLE = TableVersion("labels", 7, path="/warehouse/labels")


@pytest.fixture
def folder(write_folder: WriteFolder, learnable: MakeRows) -> Path:
    return write_folder("d", learnable(4, 0))


@pytest.fixture
def model(folder: Path, tiny_bert: Path, tmp_path: Path) -> TrainedModel:
    return train_reward_model(
        folder,
        backbone=tiny_bert,
        models_dir=tmp_path / "models",
        features_dir=None,
        validation=folder,
        settings=TrainingPlan(steps=6, max_tokens=24, evaluate_every=2),
        name="gold",
    )


def test_a_run_below_the_active_one_holds_plan_curves_and_data_set(tracked: ModuleType, model: TrainedModel) -> None:
    with tracked.start_run() as parent:
        run_id = log_training(model, TABLE, metrics={"test_accuracy": 0.5}, tags={"role": "gold"}, with_model=False)
    run = tracked.get_run(run_id)
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (run.info.run_name, run.info.status, run.data.tags["role"]) == ("gold", "FINISHED", "gold")
    assert run.data.params["steps"] == "6"
    assert run.data.params["rows_comparisons"] == "16"
    assert run.data.params["model_id"] == model.model_id
    assert run.data.metrics["test_accuracy"] == 0.5
    assert run.data.metrics["best_gold_validation_accuracy"] == model.validation_accuracy
    history = tracked.MlflowClient().get_metric_history(run_id, "gold_validation_accuracy")
    assert {point.step: point.value for point in history} == {
        entry["step"]: entry["validation_accuracy"] for entry in model.history
    }
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == "labels@7"
    assert json.loads(used.dataset.source)["delta_table_version"] == 7


def test_files_and_tables_that_were_read_together_are_each_a_data_set(tracked: ModuleType, model: TrainedModel) -> None:
    origin = FilesRead({"pairs.jsonl": "ab" * 16}, (TableVersion("mine", 3, path="/data/mine"),))
    run = tracked.get_run(log_training(model, origin, with_model=False))
    used = {one.dataset.name: json.loads(one.dataset.source) for one in run.inputs.dataset_inputs}
    assert set(used) == {"pairs.jsonl", "mine@3"}
    assert used["mine@3"]["path"] == "/data/mine"
    assert used["mine@3"]["delta_table_version"] == 3


def test_the_logged_model_scores_as_the_trained_one(
    tracked: ModuleType, model: TrainedModel, folder: Path, tmp_path: Path
) -> None:
    run_id = log_training(model, TABLE)
    loaded = tracked.pyfunc.load_model(f"runs:/{run_id}/model")
    ((ids, talks),) = list(read_responses(folder))
    frame = pd.DataFrame({"messages": [talk.messages for talk in talks], "response": [talk.response for talk in talks]})
    expected = score_responses(model.path, folder, None)
    assert loaded.predict(frame)["reward"].tolist() == pytest.approx([expected[name] for name in ids], abs=1e-4)
    assert loaded.metadata.signature.inputs.input_names() == ["messages", "response"]
    assert loaded.metadata.signature.outputs.input_names() == ["reward"]
    assert loaded.metadata.saved_input_example_info
    stored = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert any(path.name == "model.safetensors" for path in stored)
    assert not [path for path in stored if path.suffix in (".pkl", ".pickle", ".bin", ".pt")]


def test_a_model_without_validation_has_a_loss_curve_alone(
    tracked: ModuleType, folder: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    model = train_reward_model(
        folder,
        backbone=tiny_bert,
        models_dir=tmp_path / "m",
        features_dir=None,
        validation=None,
        settings=TrainingPlan(steps=2, max_tokens=24),
        name="plain",
    )
    run = tracked.get_run(log_training(model, TABLE, with_model=False))
    assert "loss" in run.data.metrics
    assert not [name for name in run.data.metrics if "accuracy" in name]
