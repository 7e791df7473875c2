"""What a training plan refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from synpref.errors import SettingsError
from synpref.reward import trainer
from synpref.reward.model_folder import model_identity
from synpref.reward.plan import Layout, TrainingPlan


def test_the_defaults_with_a_number_of_steps_are_fine() -> None:
    TrainingPlan(steps=1).check()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("responses_per_step", 1),
        ("tokens_per_step", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("warmup_share", 1.0),
        ("warmup_share", -0.1),
        ("weight_decay", -1.0),
        ("trainable_layers", 0),
        ("schedule", "cosine"),
        ("max_tokens", 0),
        ("evaluate_every", 0),
        ("epochs", 1.0),
        ("pairs_per_step", 0),
        ("checkpoint_every", 0),
        ("dtype", "float16"),
    ],
)
def test_a_value_that_no_training_can_use_is_named(name: str, value: Any) -> None:  # of any field's type, or of none
    plan = dataclasses.replace(TrainingPlan(steps=5), **{name: value})
    with pytest.raises(SettingsError, match=f"{name} is"):
        plan.check()


@pytest.mark.parametrize("epochs", [0.0, -1.0, float("nan"), float("inf")])
def test_epochs_are_above_nothing(epochs: float) -> None:
    with pytest.raises(SettingsError, match="epochs is"):
        TrainingPlan(epochs=epochs).check()


def test_the_optimiser_is_named_whatever_the_library_takes_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(trainer, "TrainingArguments", lambda **words: given.update(words))
    trainer.training_arguments(TrainingPlan(steps=3), 3, tmp_path, Layout())
    told = {"optim": "adamw_torch_fused", "adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8}
    assert told | {"max_grad_norm": 1.0} == {name: given[name] for name in (*told, "max_grad_norm")}


def test_neither_steps_nor_epochs_is_refused() -> None:
    with pytest.raises(SettingsError, match="steps is None and epochs is None"):
        TrainingPlan().check()


@pytest.mark.parametrize(("name", "value"), [("processes", 0), ("strategy", "zero3")])
def test_a_layout_that_cannot_be_is_named(name: str, value: Any) -> None:
    Layout(processes=2, strategy="fsdp").check()
    with pytest.raises(SettingsError, match=f"{name} is"):
        dataclasses.replace(Layout(), **{name: value}).check()


def test_models_of_before_keep_their_identity() -> None:
    """The ids that these plans had before a plan knew of epochs, global batches, precision and checkpoints."""
    other = TrainingPlan(steps=7, tokens_per_step=100, trainable_layers=None, seed=3)
    assert model_identity("rows", TrainingPlan(steps=20), "backbone", None) == "92df6d7b04f5fc5b7db06796b0e2bc84"
    assert model_identity("rows", other, "backbone", "held out") == "fee276774bb38332cb30ce56a349618d"


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("pairs_per_step", 8, False),
        ("dtype", "bfloat16", False),
        ("dropout", False, False),
        ("gradient_checkpointing", True, True),
        ("checkpoint_every", 5, True),
    ],
)
def test_what_changes_the_model_changes_its_identity(name: str, value: Any, same: bool) -> None:
    plan = TrainingPlan(steps=20)
    other = dataclasses.replace(plan, **{name: value})
    assert (model_identity("rows", plan, "b", None) == model_identity("rows", other, "b", None)) is same


def test_epochs_are_another_model_than_steps() -> None:
    ids = {model_identity("rows", TrainingPlan(epochs=epochs), "b", None) for epochs in (1, 2, 2.5)}
    assert len(ids) == 3


def test_a_precision_that_was_not_measured_has_no_identity() -> None:
    with pytest.raises(SettingsError, match="dtype is null"):
        model_identity("rows", TrainingPlan(steps=1, dtype=None), "b", None)
