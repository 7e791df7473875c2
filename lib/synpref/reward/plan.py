"""How a reward model is trained, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from synpref.engines.tokenise import Overlong
from synpref.errors import SettingsError

Schedule = Literal["linear", "constant"]


@dataclass(frozen=True)
class TrainingPlan:
    """Everything but data and backbone that decides what a trained model becomes.

    steps: optimiser steps, whatever the number of rows, so that models that are compared take equal steps.
    responses_per_step: distinct responses encoded in a step; every comparison of the batch among them is used.
    tokens_per_step: at most so many tokens of distinct responses in a step.
    learning_rate: peak of AdamW. warmup_share: share of the steps with a rising rate, before `schedule` (linear: down
    to zero; constant). weight_decay: not on biases and norms.
    trainable_layers: the top layers trained beside pooler and head; None trains all, embeddings included.
    max_tokens, overlong: of the tokenisation. seed: head, order of the data, dropout.
    evaluate_every: steps between two looks at the validation comparisons.
    """

    steps: int
    responses_per_step: int = 64
    tokens_per_step: int = 16_384
    learning_rate: float = 3e-4
    warmup_share: float = 0.1
    schedule: Schedule = "linear"
    weight_decay: float = 0.01
    trainable_layers: int | None = 1
    max_tokens: int = 512
    overlong: Overlong = "truncate_left"
    seed: int = 0
    evaluate_every: int = 20

    def check(self) -> None:
        """Raise SettingsError naming the value that no training can use."""
        for name in ("steps", "responses_per_step", "tokens_per_step", "max_tokens", "evaluate_every"):
            if getattr(self, name) < 1:
                raise SettingsError(f"training: {name} is {getattr(self, name)}, it must be at least 1")
        if self.responses_per_step < 2:
            raise SettingsError("training: responses_per_step is 1, a comparison has 2 responses")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise SettingsError(f"training: learning_rate is {self.learning_rate}, it must be above 0")
        if not 0 <= self.warmup_share < 1:
            raise SettingsError(f"training: warmup_share is {self.warmup_share}, it must be in [0, 1)")
        if self.weight_decay < 0:
            raise SettingsError(f"training: weight_decay is {self.weight_decay}, it must not be negative")
        if self.trainable_layers is not None and self.trainable_layers < 1:
            raise SettingsError(f"training: trainable_layers is {self.trainable_layers}; at least 1, or null for all")
        if self.schedule not in ("linear", "constant"):
            raise SettingsError(f"training: schedule is {self.schedule!r}; it is linear or constant")
