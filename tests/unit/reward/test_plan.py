"""What a training plan refuses."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from synpref.errors import SettingsError
from synpref.reward.plan import TrainingPlan


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
    ],
)
def test_a_value_that_no_training_can_use_is_named(name: str, value: Any) -> None:  # of any field's type, or of none
    plan = dataclasses.replace(TrainingPlan(steps=5), **{name: value})
    with pytest.raises(SettingsError, match=f"{name} is"):
        plan.check()
