"""A training that was killed goes on in its MLflow run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.flow.model_record import begun_in, logged_in, recorded
from synpref.flow.models import fitted
from synpref.flow.specs import data_plan
from synpref.quality.gate import Gate
from synpref.reward.tracking import FilesRead
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse
from tests.unit.reward.conftest import BAD, FILLER, GOOD, tiny_bert_in, write_snapshot

ROWS = [(f"what is {word}", good, bad) for word in FILLER for good in GOOD for bad in BAD[:2]]


@pytest.fixture
def mlflow(tmp_path: Path) -> Iterator[ModuleType]:
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    made = mlflow.create_experiment("followed", artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_experiment(experiment_id=made)
    yield mlflow
    mlflow.set_tracking_uri(before)


def test_a_training_goes_on_in_the_run_that_it_began(
    mlflow: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backbone").mkdir()
    words = [
        f"run.dir={tmp_path}", f"train.backbone={tiny_bert_in(tmp_path / 'backbone')}", "train.steps=6",
        "train.max_tokens=24", "train.evaluate_every=2", "train.checkpoint_every=3", "train.dtype=float32",
        "mlflow.log_models=false",
    ]  # fmt: skip
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(tmp_path)))
    stage = Stage("train", "run", load_settings(["local"], words), nothing, Gate())
    data, client = write_snapshot(tmp_path / "data", ROWS), mlflow.MlflowClient()
    told: list[str] = []

    def say(self: Stage, text: str) -> None:
        told.append(text)
        if text.startswith("step 6 of 6") and len([line for line in told if line.startswith("step 6 of 6")]) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Stage, "say", say)
    plan = data_plan(stage.settings)
    with pytest.raises(KeyboardInterrupt), mlflow.start_run():
        fitted(stage, "mine", data, data, plan)
    (note,) = stage.models.glob("*.run")
    begun = mlflow.get_run(note.read_text())
    assert begun.info.status == "FAILED"
    assert [point.step for point in client.get_metric_history(begun.info.run_id, "loss")] == [2, 4]
    with mlflow.start_run() as parent:
        model = fitted(stage, "mine", data, data, plan)
        run_id = recorded(stage, model, FilesRead({"pairs.jsonl": "ab" * 16}), None)
    assert [line for line in told if "goes on from the checkpoint of step 3" in line]
    run = mlflow.get_run(run_id)
    assert run_id == begun.info.run_id == logged_in(stage, model).read_text()
    assert note == begun_in(stage, model.model_id)
    assert not note.exists()
    assert (run.info.status, run.data.tags["mlflow.parentRunId"]) == ("FINISHED", parent.info.run_id)
    for name, what in {"loss": "loss", "gold_validation_accuracy": "validation_accuracy"}.items():
        points = [(point.step, point.value) for point in client.get_metric_history(run_id, name)]
        assert sorted(points) == [(entry["step"], entry[what]) for entry in model.history]
    assert mlflow.search_runs(filter_string=f"tags.model_id = '{model.model_id}'").run_id.tolist() == [run_id]
    assert fitted(stage, "mine", data, data, plan).reused
    assert not note.exists()
