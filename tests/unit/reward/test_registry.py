"""Models in the registry: found by an alias, scoring as they were trained; in a file and behind a real server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import cast

import pandas as pd
import pytest

from synpref.analysis.validation import validation_figures
from synpref.config import load_settings
from synpref.errors import SettingsError
from synpref.flow.model_record import begun_in, followed, logged_in, recorded
from synpref.quality.gate import Gate
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.registry import register
from synpref.reward.rows import read_responses
from synpref.reward.scoring import score_responses
from synpref.reward.tracking import FilesRead, log_training
from synpref.reward.training import train_reward_model
from synpref.reward.validation_rows import ValidationRows
from synpref.stage import Stage
from synpref.store.warehouse import Warehouse
from tests.unit.reward.conftest import write_snapshot

MakeRows = Callable[[int, int], list[tuple[str, str, str]]]
ROWS = ValidationRows(
    chosen=[f"c{n}" for n in range(6)], rejected=[f"r{n}" for n in range(6)], chosen_characters=[3] * 6,
    rejected_characters=[4] * 6, group=[f"g{n}" for n in range(6)], source=["mine"] * 6,
    category=["law"] * 3 + ["physics 101"] * 3,
)  # fmt: skip
REWARDS = {**dict.fromkeys(ROWS.chosen, 1.0), **dict.fromkeys(ROWS.rejected, 0.0), "r5": 2.0}  # the last is wrong
SECONDS_TO_START = 240.0  # an idle machine of two cores takes fifteen


@pytest.fixture
def folder(tmp_path: Path, learnable: MakeRows) -> Path:
    return write_snapshot(tmp_path / "data", learnable(4, 0))


@pytest.fixture
def model(folder: Path, tiny_bert: Path, tmp_path: Path) -> TrainedModel:
    return train_reward_model(
        folder,
        backbone=tiny_bert,
        models_dir=tmp_path / "models",
        features_dir=None,
        validation=None,
        settings=TrainingPlan(steps=2, max_tokens=24),
        name="gold",
    )


@pytest.fixture
def client() -> Iterator[ModuleType]:
    import mlflow

    before = mlflow.get_tracking_uri()
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)


@pytest.fixture
def in_a_file(client: ModuleType, tmp_path: Path) -> ModuleType:
    client.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    made = client.create_experiment("files", artifact_location=(tmp_path / "artifacts").as_uri())
    client.set_experiment(experiment_id=made)
    return client


@pytest.fixture
def on_a_server(client: ModuleType, tmp_path: Path) -> Iterator[ModuleType]:
    """A real `mlflow server` on loopback, with its own database and artifacts; it is ended by its process group."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [
        "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", str(tmp_path / "kept"),
    ]  # fmt: skip
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *words], stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=tmp_path
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, tmp_path / "server.log")
        client.set_tracking_uri(f"http://127.0.0.1:{port}")
        client.set_experiment("served")
        yield client
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)  # between two looks at a process of its own; nothing depends on how long
        else:
            return
    raise AssertionError(f"mlflow server did not come up: {log.read_text()[-2000:]}")


def check_registered(mlflow: ModuleType, model: TrainedModel, folder: Path) -> None:
    run_id = log_training(model, FilesRead({"pairs.parquet": "ab" * 16}))
    assert register(run_id, model.model_id, "judge", "candidate") == "1"
    assert register(run_id, model.model_id, "judge", "candidate") == "1"  # stands already
    loaded = mlflow.pyfunc.load_model("models:/judge@candidate")
    ((ids, talks),) = list(read_responses(folder))
    frame = pd.DataFrame({"messages": [talk.messages for talk in talks], "response": [talk.response for talk in talks]})
    expected = score_responses(model.path, folder, None)
    assert loaded.predict(frame)["reward"].tolist() == pytest.approx([expected[name] for name in ids], abs=1e-4)
    (used,) = mlflow.get_run(run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("pairs.parquet", "ab" * 16)
    assert mlflow.get_run(run_id).data.tags["code_version"]


def test_by_its_alias_a_model_of_a_file_scores_as_the_trained_one(
    in_a_file: ModuleType, model: TrainedModel, folder: Path
) -> None:
    check_registered(in_a_file, model, folder)


def test_behind_a_server_a_model_scores_by_its_alias_as_the_trained_one_and_its_figures_are_kept(
    on_a_server: ModuleType, model: TrainedModel, folder: Path, tmp_path: Path
) -> None:
    check_registered(on_a_server, model, folder)
    check_recorded(on_a_server, model, tmp_path)


def check_recorded(mlflow: ModuleType, model: TrainedModel, tmp_path: Path) -> None:
    """Six comparisons in two categories: the run holds their figures, and the three files of its calibration."""
    settings = load_settings(["local"], [f"run.dir={tmp_path / 'run'}", "mlflow.log_models=false"])
    stage = Stage("train", "run", settings, cast("Warehouse", None), Gate())
    client = mlflow.MlflowClient()
    with followed(stage, model.name, model.model_id, model.plan) as look:
        assert look(model.history[0], ["step 2: margins collapse"]) is None
        assert [point.step for point in client.get_metric_history(look.run_id, "loss")] == [2]
        assert mlflow.get_run(look.run_id).info.status == "RUNNING"
    run_id = recorded(stage, model, FilesRead({"pairs.parquet": "ab" * 16}), validation_figures(ROWS, REWARDS, 0))
    assert run_id == look.run_id
    assert [point.step for point in client.get_metric_history(run_id, "loss")] == [2]
    assert mlflow.get_run(run_id).data.tags["warnings"] == "step 2: margins collapse"
    assert not begun_in(stage, model.model_id).exists()
    assert logged_in(stage, model).read_text() == run_id
    told = mlflow.get_run(run_id).data.metrics
    # right on five of six: all three of law, two of three of physics
    assert told["validation/accuracy"] == pytest.approx(5 / 6)
    assert told["validation/accuracy_by_category/law"] == 1
    assert told["validation/accuracy_by_category/physics_101"] == pytest.approx(2 / 3)
    # margins of 1 and -1: the confidence sigmoid(1) = 0.7311 beside 5 / 6 that are right
    assert told["validation/calibration_error"] == pytest.approx(5 / 6 - 0.731059, abs=1e-5)
    kept = ["validation/figures.json", "validation/reliability.json", "validation/reliability.png"]
    assert [one.path for one in client.list_artifacts(run_id, "validation")] == kept
    figures, table, plot = (Path(client.download_artifacts(run_id, one, str(tmp_path))) for one in kept)
    assert json.loads(figures.read_text())["by_category"]["law"] == {"rows": 3, "accuracy": 1.0}
    bins = json.loads(table.read_text())
    assert bins["columns"] == ["low", "high", "rows", "confidence", "accuracy"]
    assert [row[2] for row in bins["data"] if row[2]] == [6]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_calibration_and_categories_stand_in_a_file(in_a_file: ModuleType, model: TrainedModel, tmp_path: Path) -> None:
    check_recorded(in_a_file, model, tmp_path)


def test_another_model_takes_the_alias_over(in_a_file: ModuleType, model: TrainedModel) -> None:
    run_id = log_training(model, FilesRead({}))
    register(run_id, "first", "judge", "candidate")
    assert register(run_id, "second", "judge", "candidate") == "2"
    held = in_a_file.MlflowClient().get_model_version_by_alias("judge", "candidate")
    assert (str(held.version), held.tags["model_id"]) == ("2", "second")


def test_a_name_that_the_registry_refuses_is_told_with_its_setting(in_a_file: ModuleType, model: TrainedModel) -> None:
    run_id = log_training(model, FilesRead({}))
    with pytest.raises(SettingsError, match=r"mlflow\.register_as 'a/b'"):
        register(run_id, model.model_id, "a/b", "candidate")
    with pytest.raises(SettingsError, match=r"mlflow\.alias 'latest'"):
        register(run_id, model.model_id, "judge", "latest")
