"""A model's run in a real MLflow store while the model is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from synpref.reward.live_run import LiveRun, live_run
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.tracking import TableVersion, log_training, model_run
from synpref.reward.training import train_reward_model
from synpref.reward.watch import Follow

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]
Train = Callable[[Follow, Callable[[str], None]], TrainedModel]

TABLE = TableVersion("labels", 7, path="/warehouse/labels")
PLAN = TrainingPlan(steps=6, max_tokens=24, evaluate_every=2)
CURVES = ("loss", "gold_validation_accuracy")


@pytest.fixture
def train(write_folder: WriteFolder, learnable: MakeRows, tiny_bert: Path, tmp_path: Path) -> Train:
    folder = write_folder("d", learnable(4, 0))

    def trained(follow: Follow, say: Callable[[str], None]) -> TrainedModel:
        return train_reward_model(
            folder,
            backbone=tiny_bert,
            models_dir=tmp_path / "models",
            features_dir=None,
            validation=folder,
            settings=PLAN,
            name="gold",
            progress=say,
            begin=lambda model_id, plan: follow,
        )

    return trained


def curve(mlflow: ModuleType, run_id: str, name: str = "loss") -> dict[int, float]:
    """Value by step, of which none comes twice."""
    found = mlflow.MlflowClient().get_metric_history(run_id, name)
    values = {point.step: point.value for point in found}
    assert len(values) == len(found)
    return values


def test_looks_stand_in_the_run_as_they_happen_and_once(tracked: ModuleType, train: Train) -> None:
    seen: list[list[int]] = []

    def say(line: str) -> None:
        if line.startswith("step "):
            seen.append(sorted(curve(tracked, run_id)))

    with tracked.start_run() as parent, model_run("gold", "m") as run_id:
        assert tracked.get_run(run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
        model = train(live_run(run_id, PLAN), say)
        assert seen == [[], [2], [2, 4]]
        assert sorted(curve(tracked, run_id)) == [2, 4, 6]
        assert tracked.get_run(run_id).info.status == "RUNNING"
        assert tracked.get_run(run_id).data.params["learning_rate"] == "0.0003"
    assert log_training(model, TABLE, with_model=False, run_id=run_id) == run_id
    for name, what in zip(CURVES, ("loss", "validation_accuracy"), strict=True):
        assert curve(tracked, run_id, name) == {entry["step"]: entry[what] for entry in model.history}
    assert tracked.get_run(run_id).info.status == "FINISHED"


def test_what_the_run_lacks_is_added_at_the_end(tracked: ModuleType, train: Train) -> None:
    told: list[str] = []
    model = train(LiveRun(tracked.get_tracking_uri(), "0" * 32), told.append)
    lost = [line for line in told if line.startswith("warning: MLflow did not take the look at step")]
    assert len(lost) == 3
    with model_run("gold", "m") as run_id:
        assert live_run(run_id, PLAN)(model.history[1], []) is None
    for _ in range(2):
        log_training(model, TABLE, metrics={"test_accuracy": 0.5}, with_model=False, run_id=run_id)
    assert sorted(curve(tracked, run_id)) == [2, 4, 6]
    assert curve(tracked, run_id, "test_accuracy") == {0: 0.5}
    assert live_run(run_id, PLAN)(model.history[1], []) is None  # a step that it knows
    assert sorted(curve(tracked, run_id)) == [2, 4, 6]


def test_a_run_that_was_removed_is_followed_by_another(tracked: ModuleType) -> None:
    with model_run("gold", "m") as first:
        pass
    tracked.delete_run(first)
    with model_run("gold", "m", run_id=first) as second:
        assert second != first


def test_signs_of_trouble_are_a_tag_when_they_are_seen_and_at_the_end(tracked: ModuleType, train: Train) -> None:
    with model_run("gold", "m") as run_id:
        follow = live_run(run_id, PLAN)
        model = train(follow, lambda line: None)
        assert model.warnings  # hardly better than chance after six steps
        assert tracked.get_run(run_id).data.tags["warnings"] == "\n".join(model.warnings)
        follow({"step": 7, "loss": 1.0, "validation_accuracy": None}, ["step 7: margins collapse"])
        assert tracked.get_run(run_id).data.tags["warnings"] == "step 7: margins collapse"
    troubled = dataclasses.replace(model, warnings=["step 4: one", "step 6: two"])
    other = log_training(troubled, TABLE, with_model=False)
    assert tracked.get_run(other).data.tags["warnings"] == "step 4: one\nstep 6: two"
