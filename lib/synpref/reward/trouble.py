"""Early signs that a training goes wrong, in words that say what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synpref.errors import EngineError
from synpref.reward.accuracy import accuracy_of

COLLAPSED = 1e-3  # spread of margins under which a model, half trained, calls all responses equally good
FELL_TO = 0.01  # share of the widest spread that was seen, under which it does so at any time
Z = 1.96  # of the Wilson interval
# training comparisons that a sign is read from, where there is no validation; fewer wait for the next look
ENOUGH = 100


class Margins(NamedTuple):
    """Margins of comparisons in short. spread: standard deviation. accuracy: paper.md §2.2. of: which, for people."""

    comparisons: int
    spread: float
    accuracy: float
    of: str

    @classmethod
    def of_validation(cls, margins: NDArray[np.float32]) -> Margins:
        """Of the validation comparisons, of which there must be at least one."""
        return cls(len(margins), float(margins.std()), accuracy_of(margins), "validation")

    @classmethod
    def of_training(cls, sums: Sequence[float]) -> Margins | None:
        """Of the comparisons of training steps, by their sums (see Course.seen); None where they are not ENOUGH."""
        count, total, squares, right = sums
        if count < ENOUGH:
            return None
        variance = max(0.0, squares / count - (total / count) ** 2)
        return cls(int(count), math.sqrt(variance), right / count, "training")


class Look(NamedTuple):
    """One look at a training: where it stands, and margins of validation, else of training (None without any)."""

    step: int
    steps: int
    warmup: int
    grad_norm: float | None
    margins: Margins | None


def signs(look: Look, widest: float) -> dict[str, str]:
    """What looks wrong, by kind. widest: the largest spread of margins so far."""
    found: dict[str, str] = {}
    if look.grad_norm == 0:
        found["gradient"] = (
            "the gradient is zero, so nothing is learned: look for equal texts on both sides, or a backbone that says"
            " the same of every text"
        )
    if look.margins is None:
        return found
    spread, of = look.margins.spread, look.margins.of
    half = 2 * look.step >= look.steps
    if (half and spread < COLLAPSED) or (look.step > look.warmup and spread < FELL_TO * widest):
        found["margins"] = (
            f"margins collapse: on the {of} comparisons they spread by {spread:.2g} only, so all responses get"
            " about one reward; lower train.learning_rate, or look whether labels contradict each other"
        )
    if half and at_chance(look.margins.accuracy, look.margins.comparisons):
        found["accuracy"] = (
            f"accuracy at chance: {look.margins.accuracy:.3f} of {look.margins.comparisons} {of} comparisons after half"
            " of the steps; train longer, raise train.learning_rate, or look whether labels mean anything"
        )
    return found


def broken_off(step: int, what: str) -> EngineError:
    """The error that ends a training which cannot learn any more."""
    return EngineError(
        f"training broke off at step {step}: {what}; lower train.learning_rate, or look for broken weights in the"
        " backbone"
    )


def at_chance(accuracy: float, comparisons: int) -> bool:
    """Whether the lower bound of Wilson's 95 % interval of an accuracy is at most 0.5.

    That interval holds the shares which a score test does not refuse, so 0.5 is asked directly.
    """
    return bool(accuracy <= 0.5 + Z * 0.5 / comparisons**0.5)
