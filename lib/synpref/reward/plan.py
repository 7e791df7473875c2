"""How a reward model is trained, as plain values."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

from synpref.engines.tokenise import Overlong
from synpref.errors import SettingsError

Schedule = Literal["linear", "constant"]
Precision = Literal["float32", "bfloat16"]
Strategy = Literal["ddp", "fsdp", "zero1"]

# Later than the first models: at these values a plan is the plan that it was, and so is the model's identity.
_ADDED = {"epochs": None, "pairs_per_step": None, "dtype": "float32", "dropout": True}
# They decide how a model is made, not which.
WITHOUT_EFFECT = ("gradient_checkpointing", "checkpoint_every")


@dataclass(frozen=True)
class TrainingPlan:
    """Everything but data and backbone that decides what a trained model becomes.

    steps: optimiser steps, whatever the number of rows, so that models that are compared take equal steps. epochs:
    passes over the rows instead. Exactly one of the two is given.
    responses_per_step, tokens_per_step: at most so many distinct responses, and tokens of them, in a micro-batch; every
    comparison among them is used. pairs_per_step: comparisons of an optimiser step, for which the gradients of
    micro-batches are added up (the last step of a pass may have fewer); None: a step is one micro-batch.
    learning_rate: peak of AdamW. warmup_share: share of the steps with a rising rate, before `schedule` (linear: down
    to zero; constant). weight_decay: not on biases and norms.
    trainable_layers: the top layers trained beside pooler and head; None trains all, embeddings included.
    max_tokens, overlong: of the tokenisation. seed: head, order of the data, dropout.
    evaluate_every: steps between two looks at the validation comparisons.
    dtype: what matrix products are computed in; weights, gradients and optimiser are float32 always. None: measured on
    the device. gradient_checkpointing: activations are computed again instead of kept: less memory, more time.
    checkpoint_every: steps between two states on disk to resume from; None: none. dropout: as the backbone's
    configuration has it; else none.
    """

    steps: int | None = None
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
    epochs: float | None = None
    pairs_per_step: int | None = None
    gradient_checkpointing: bool = False
    dtype: Precision | None = "float32"
    checkpoint_every: int | None = None
    dropout: bool = True

    def identity(self) -> dict[str, object]:
        """What of the plan makes a model another model. Raises SettingsError where dtype is still to be measured."""
        if self.dtype is None:
            raise SettingsError("training: dtype is null; measure it first (see synpref.reward.precision)")
        facts = {name: value for name, value in asdict(self).items() if name not in WITHOUT_EFFECT}
        return {name: value for name, value in facts.items() if name not in _ADDED or value != _ADDED[name]}

    def check(self) -> None:
        """Raise SettingsError naming the value that no training can use."""
        if (self.steps is None) == (self.epochs is None):
            raise SettingsError(
                f"training: steps is {self.steps} and epochs is {self.epochs}; give one of them, and null for the other"
            )
        if self.epochs is not None and not (math.isfinite(self.epochs) and self.epochs > 0):
            raise SettingsError(f"training: epochs is {self.epochs}, it must be above 0")
        self._check_counts()
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise SettingsError(f"training: learning_rate is {self.learning_rate}, it must be above 0")
        if not 0 <= self.warmup_share < 1:
            raise SettingsError(f"training: warmup_share is {self.warmup_share}, it must be in [0, 1)")
        if self.weight_decay < 0:
            raise SettingsError(f"training: weight_decay is {self.weight_decay}, it must not be negative")
        if self.schedule not in ("linear", "constant"):
            raise SettingsError(f"training: schedule is {self.schedule!r}; it is linear or constant")
        if self.dtype not in ("float32", "bfloat16", None):
            raise SettingsError(f"training: dtype is {self.dtype!r}; it is float32, bfloat16, or null to measure")

    def _check_counts(self) -> None:
        for name in ("responses_per_step", "tokens_per_step", "max_tokens", "evaluate_every"):
            if getattr(self, name) < 1:
                raise SettingsError(f"training: {name} is {getattr(self, name)}, it must be at least 1")
        for name in ("steps", "pairs_per_step", "trainable_layers", "checkpoint_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"training: {name} is {value}; it is at least 1, or null")
        if self.responses_per_step < 2:
            raise SettingsError("training: responses_per_step is 1, a comparison has 2 responses")


@dataclass(frozen=True)
class Layout:
    """Where a training runs: no part of what it makes.

    processes: each takes its share of every step. strategy: ddp keeps a whole copy of weights and optimiser in each,
    zero1 shares out the optimiser's state (Rajbhandari et al. 2020, stage 1), fsdp weights and gradients too.
    on_cluster: Spark tasks on the workers, which must see the same folders; else processes beside the driver.
    """

    processes: int = 1
    strategy: Strategy = "ddp"
    on_cluster: bool = False

    def check(self) -> None:
        """Raise SettingsError naming the value that no training can use."""
        if self.processes < 1:
            raise SettingsError(f"training: processes is {self.processes}, it must be at least 1")
        if self.strategy not in ("ddp", "fsdp", "zero1"):
            raise SettingsError(f"training: strategy is {self.strategy!r}; it is ddp, fsdp or zero1")
