"""What the final models are worth on tests stands in MLflow: in the stage's run, and each model's own in its run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import mlflow
import pytest
from mlflow import MlflowClient

from synpref.config import load_settings
from synpref.flow.final_record import log_tests
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.warehouse import Warehouse

DETAIL: dict[str, Any] = {
    "reward_models": {"original": 0.75, "filtered": 0.8},
    "per_seed": {"original": [0.7, 0.8], "filtered": [0.8]},
    "length": 0.5,
    "intervals": {
        "reward_models.original": {"estimate": 0.75, "low": 0.7, "high": 0.79, "groups": 90, "few_groups": False},
        "reward_models.filtered_minus_original": {
            "estimate": 0.05, "low": -0.01, "high": 0.1, "groups": 90, "few_groups": False,
        },
    },
}  # fmt: skip
MODELS = {
    "original": [{"name": "original-1", "model_id": "m1"}, {"name": "original-2", "model_id": "m2"}],
    "filtered": [{"name": "filtered-1", "model_id": "m3"}],
}


@pytest.fixture
def tracking(tmp_path: Path) -> Iterator[str]:
    """The name of an experiment in a store of its own."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    yield mlflow.create_experiment("tests", artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_tracking_uri(before)


def test_sets_stand_in_the_stage_s_run_and_seeds_in_the_models_own(
    tracking: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings(["demo"], [f"run.dir={tmp_path}"])
    stage = Stage("evaluate", "run", settings, cast("Warehouse", None), Gate())
    client = MlflowClient()
    runs = {name: client.create_run(tracking).info.run_id for name in ("m1", "m3")}
    stage.models.mkdir()
    for name, run_id in {**runs, "m2": "removed since"}.items():
        (stage.models / f"{name}.logged").write_text(run_id, encoding="utf-8")
    with mlflow.start_run(experiment_id=tracking) as run:
        log_tests(stage, MODELS, DETAIL)
    assert client.get_run(run.info.run_id).data.metrics == {
        "test/accuracy/original": 0.75,
        "test/accuracy/original_low": 0.7,
        "test/accuracy/original_high": 0.79,
        "test/accuracy/filtered": 0.8,
        "test/accuracy/filtered_minus_original": 0.05,
        "test/accuracy/filtered_minus_original_low": -0.01,
        "test/accuracy/filtered_minus_original_high": 0.1,
        "test/accuracy/length": 0.5,
    }
    own = {name: client.get_run(run_id).data.metrics for name, run_id in runs.items()}
    assert own == {"m1": {"test/accuracy": 0.7}, "m3": {"test/accuracy": 0.8}}
    assert "original-2: its accuracy on tests is not in its MLflow run removed since" in capsys.readouterr().err


def test_a_model_without_a_noted_run_is_passed_over(tracking: str, tmp_path: Path) -> None:
    stage = Stage("evaluate", "run", load_settings(["demo"], [f"run.dir={tmp_path}"]), cast("Warehouse", None), Gate())
    stage.models.mkdir()
    (stage.models / "m1.logged").touch()  # by an earlier version
    with mlflow.start_run(experiment_id=tracking):
        log_tests(stage, MODELS, DETAIL)
    assert [one.data.metrics["test/accuracy/original"] for one in MlflowClient().search_runs([tracking])] == [0.75]
