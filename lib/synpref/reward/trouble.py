"""Early signs that a training goes wrong, in words that say what to do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synpref.reward.accuracy import accuracy_of

COLLAPSED = 1e-3  # spread of margins under which a model, half trained, calls all responses equally good
FELL_TO = 0.01  # share of the widest spread that was seen, under which it does so at any time
Z = 1.96  # of the Wilson interval


class Look(NamedTuple):
    """One look at a training: where it stands, and the margins of the validation comparisons (None without any)."""

    step: int
    steps: int
    warmup: int
    grad_norm: float | None
    margins: NDArray[np.float32] | None


def signs(look: Look, widest: float) -> dict[str, str]:
    """What looks wrong, by kind. widest: the largest spread of margins so far."""
    found: dict[str, str] = {}
    if look.grad_norm == 0:
        found["gradient"] = (
            "the gradient is zero, so nothing is learned: look for equal texts on both sides, or a backbone that says"
            " the same of every text"
        )
    if look.margins is None or not len(look.margins):
        return found
    spread = float(look.margins.std())
    half = 2 * look.step >= look.steps
    if (half and spread < COLLAPSED) or (look.step > look.warmup and spread < FELL_TO * widest):
        found["margins"] = (
            f"margins collapse: on the validation comparisons they spread by {spread:.2g} only, so all responses get"
            " about one reward; lower train.learning_rate, or look whether labels contradict each other"
        )
    if half and at_chance(accuracy_of(look.margins), len(look.margins)):
        found["accuracy"] = (
            f"accuracy at chance: {accuracy_of(look.margins):.3f} of {len(look.margins)} validation comparisons after"
            " half of the steps; train longer, raise train.learning_rate, or look whether labels mean anything"
        )
    return found


def at_chance(accuracy: float, comparisons: int) -> bool:
    """Whether the lower bound of Wilson's 95 % interval of an accuracy is at most 0.5.

    That interval holds the shares which a score test does not refuse, so 0.5 is asked directly.
    """
    return bool(accuracy <= 0.5 + Z * 0.5 / comparisons**0.5)
