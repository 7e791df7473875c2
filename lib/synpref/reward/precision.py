"""The number format that a model is trained in, where its plan leaves it open."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from synpref.engines.device import choose_dtype
from synpref.reward.plan import Precision, TrainingPlan

FORMATS: tuple[Precision, ...] = ("bfloat16", "float32")


def settled(
    plan: TrainingPlan, begun: Callable[[TrainingPlan], bool], say: Callable[[str], None] | None = None
) -> TrainingPlan:
    """The plan with its dtype named.

    begun: whether a model of such a plan was finished or has checkpoints: what was measured once stays. Else a
    measurement of under a second on the device of this process; bfloat16 where it is at least 1.2 x as fast.
    """
    if plan.dtype is not None:
        return plan
    for dtype in FORMATS:
        named = dataclasses.replace(plan, dtype=dtype)
        if begun(named):
            return named
    choice = choose_dtype()
    dtype = "bfloat16" if choice.dtype == "bfloat16" else "float32"  # float16 would need its losses scaled
    if say:
        say(f"training computes in {dtype}: {choice.candidate} is {choice.ratio:.2f} x as fast as float32 here")
    return dataclasses.replace(plan, dtype=dtype)
