"""Two processes that train one model, beside the driver and as Spark tasks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from safetensors.numpy import load_file

from synpref.errors import EngineError
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import Layout, TrainingPlan
from synpref.reward.training import train_reward_model
from tests.unit.reward.conftest import BAD, GOOD, tiny_bert_in, without_dropout, write_snapshot

PLAN = TrainingPlan(
    steps=6,
    responses_per_step=10,
    learning_rate=1e-3,
    trainable_layers=2,
    max_tokens=32,
    evaluate_every=3,
    pairs_per_step=15,
    checkpoint_every=4,
)
TOLERANCE = 2e-5  # of a weight, after 6 steps of AdamW at a rate of 1e-3: sums in another order, nothing else


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("two processes")
    rows = [(f"topic {i}", f"{good} {word}", f"{bad} {word}") for i, (good, bad, word) in enumerate(words())]
    (root / "tiny").mkdir()
    return {
        "root": root,
        "data": write_snapshot(root / "train", rows[:48]),
        "validation": write_snapshot(root / "validation", rows[48:]),
        "backbone": without_dropout(tiny_bert_in(root / "tiny"), root / "still"),
    }


def words() -> Iterator[tuple[str, str, str]]:
    for word in ("one", "two", "three", "four"):
        for good in GOOD:
            for bad in BAD:
                yield good, bad, word


def train(ground: dict[str, Path], layout: Layout, plan: TrainingPlan = PLAN) -> TrainedModel:
    name = f"{layout.processes}-{layout.strategy}-{layout.on_cluster}"
    return train_reward_model(
        ground["data"],
        validation=ground["validation"],
        backbone=ground["backbone"],
        models_dir=ground["root"] / f"models-{name}",
        features_dir=None,
        settings=plan,
        name=name,
        layout=layout,
    )


def furthest(one: TrainedModel, other: TrainedModel) -> float:
    first, second = (load_file(model.path / "model.safetensors") for model in (one, other))
    del first["classifier.bias"]  # no margin depends on it: its gradient is what rounding leaves, blown up by Adam
    return max(float(np.abs(first[name] - second[name]).max()) for name in first)


@pytest.fixture(scope="module")
def alone(ground: dict[str, Path]) -> TrainedModel:
    return train(ground, Layout())


@pytest.mark.parametrize(
    "layout", [Layout(2), Layout(2, "zero1"), Layout(2, on_cluster=True)], ids=["ddp", "zero1", "ddp on the cluster"]
)
def test_two_processes_make_the_model_of_one(
    layout: Layout, ground: dict[str, Path], alone: TrainedModel, spark: SparkSession
) -> None:
    del spark  # the session is asked for by TorchDistributor itself
    model = train(ground, layout)
    assert model.model_id == alone.model_id
    assert not model.reused
    assert furthest(alone, model) < TOLERANCE
    for one, other in zip(alone.history, model.history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-5)
        assert one["validation_accuracy"] == other["validation_accuracy"]
    assert model.rows == alone.rows
    assert [path.name for path in model.path.parent.iterdir()] == [model.model_id]
    assert train(ground, layout).reused


def test_a_process_that_fails_is_an_engine_error(ground: dict[str, Path], spark: SparkSession) -> None:
    del spark
    absurd = dataclasses.replace(PLAN, learning_rate=1e30, seed=1)
    with pytest.raises(EngineError, match="training on 2 processes broke off"):
        train(ground, Layout(2), absurd)
