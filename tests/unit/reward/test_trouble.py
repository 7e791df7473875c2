"""Early signs that a training goes wrong."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.quality.wilson import wilson_lower
from synpref.reward.model_folder import read_model
from synpref.reward.plan import TrainingPlan
from synpref.reward.training import train_reward_model
from synpref.reward.trouble import Look, Margins, at_chance, signs

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]

GOOD = np.linspace(-0.2, 1.8, 200, dtype=np.float32)  # 90 % right
FINE = Look(step=60, steps=100, warmup=10, grad_norm=1.0, margins=Margins.of_validation(GOOD))


def test_a_training_that_goes_well_shows_no_sign() -> None:
    assert signs(FINE, widest=1.0) == {}
    assert signs(FINE._replace(margins=None), widest=0.0) == {}


def test_a_gradient_of_zero_is_named() -> None:
    assert "the gradient is zero" in signs(FINE._replace(grad_norm=0.0), 1.0)["gradient"]
    assert signs(FINE._replace(grad_norm=None), 1.0) == {}


@pytest.mark.parametrize(
    ("scale", "widest", "step", "named"),
    [
        (1e-4, 0.0, 60, True),  # next to nothing
        (1e-4, 0.0, 40, False),  # not half trained: a new head gives about equal rewards
        (1e-4, 1.0, 10, False),  # still warming up
        (1e-4, 1.0, 11, True),
        (5e-3, 0.0, 60, False),  # small, and never was larger
        (5e-3, 1.0, 60, True),  # it fell to under 1 % of what it was
    ],
)
def test_margins_that_collapse_are_named(scale: float, widest: float, step: int, named: bool) -> None:
    found = signs(FINE._replace(margins=Margins.of_validation(GOOD * np.float32(scale)), step=step), widest)
    assert ("margins" in found) is named


@pytest.mark.parametrize(("step", "named"), [(49, False), (50, True)])
def test_accuracy_at_chance_is_named_from_half_of_the_steps(step: int, named: bool) -> None:
    even = np.array([1.0, -1.0] * 100, dtype=np.float32)
    found = signs(FINE._replace(margins=Margins.of_validation(even), step=step), 1.0)
    assert ("accuracy" in found) is named
    if named:
        assert "0.500 of 200 validation comparisons" in found["accuracy"]


@given(st.lists(st.floats(-20, 20, width=32), min_size=100, max_size=150))
def test_sums_of_training_margins_tell_what_the_margins_do(margins: list[float]) -> None:
    told = np.array(margins, dtype=np.float32)
    right = float((told > 0).sum() + 0.5 * (told == 0).sum())
    found = Margins.of_training(
        [float(len(told)), float(told.sum(dtype=float)), float((told.astype(float) ** 2).sum()), right]
    )
    plain = Margins.of_validation(told)
    assert found is not None
    assert (found.comparisons, found.of) == (plain.comparisons, "training")
    assert found.spread == pytest.approx(plain.spread, abs=1e-4)
    assert found.accuracy == pytest.approx(plain.accuracy)


def test_training_margins_that_collapse_are_named_as_such() -> None:
    found = signs(FINE._replace(margins=Margins(200, 1e-5, 0.9, "training")), 1.0)
    assert "on the training comparisons they spread by 1e-05 only" in found["margins"]


def test_a_few_training_comparisons_say_nothing() -> None:
    assert Margins.of_training([99.0, 0.0, 0.0, 0.0]) is None


@given(right=st.integers(0, 400), asked=st.integers(1, 400))
def test_chance_is_what_wilsons_interval_says(right: int, asked: int) -> None:
    right = min(right, asked)
    lower = wilson_lower(right, asked, 1.96)
    if abs(lower - 0.5) > 1e-9:
        assert at_chance(right / asked, asked) is (lower <= 0.5)


def test_labels_without_meaning_are_told_and_kept_with_the_model(
    write_folder: WriteFolder, learnable: MakeRows, tiny_bert: Path, tmp_path: Path
) -> None:
    mixed = meaningless(learnable)
    told: list[str] = []
    model = train_reward_model(
        write_folder("train", mixed),
        backbone=tiny_bert,
        models_dir=tmp_path / "models",
        features_dir=None,
        validation=write_folder("validation", [(p, b, a) for p, a, b in mixed]),  # the opposite of what is learned
        settings=TrainingPlan(steps=8, max_tokens=32, evaluate_every=2),
        name="a model",
        progress=told.append,
    )
    (chance,) = [line for line in model.warnings if "accuracy at chance" in line]
    assert chance.startswith("step 4: ")
    assert f"warning: {chance}" in told
    assert read_model(model.path) == model


def meaningless(learnable: MakeRows) -> list[tuple[str, str, str]]:
    return [(p, a, b) if index % 2 else (p, b, a) for index, (p, a, b) in enumerate(learnable(24, 0))]


def test_without_validation_the_margins_of_the_steps_are_looked_at(
    write_folder: WriteFolder, learnable: MakeRows, tiny_bert: Path, tmp_path: Path
) -> None:
    model = train_reward_model(
        write_folder("train", meaningless(learnable)),
        backbone=tiny_bert,
        models_dir=tmp_path / "models",
        features_dir=None,
        validation=None,
        settings=TrainingPlan(steps=8, learning_rate=1e-5, max_tokens=32, evaluate_every=2),
        name="a model",
    )
    (chance,) = model.warnings
    # two steps have fewer than 100 comparisons, so the look at step 2 leaves them to the next one
    assert re.match(r"step 4: accuracy at chance: 0\.\d+ of 1\d\d training comparisons", chance)


def test_a_model_of_before_has_no_warnings(
    write_folder: WriteFolder, learnable: MakeRows, tiny_bert: Path, tmp_path: Path
) -> None:
    folder = write_folder("train", learnable(4, 0))
    model = train_reward_model(
        folder,
        backbone=tiny_bert,
        models_dir=tmp_path / "models",
        features_dir=None,
        validation=None,
        settings=TrainingPlan(steps=1, max_tokens=32),
        name="a model",
    )
    record = json.loads((model.path / "model.json").read_text())
    del record["warnings"]
    for name in ("epochs", "pairs_per_step", "gradient_checkpointing", "dtype", "checkpoint_every", "dropout"):
        del record["plan"][name]
    (model.path / "model.json").write_text(json.dumps(record))
    assert read_model(model.path) == dataclasses.replace(model, warnings=[])
