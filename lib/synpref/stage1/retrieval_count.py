"""How many neighbours a gold comparison pulls from the pool."""

from __future__ import annotations

import math


def retrieval_count(p: float, k_max: int) -> int:
    """k(p) of paper.md §2.3: k_max where the reward model is wrong, else ceil(k_max * (1 - p)).

    p: the model's probability of the *human's* label, in [0, 1]; 0.5 counts as wrong. Raises ValueError outside.
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"p must lie in [0, 1], got {p}")
    if p <= 0.5:
        return k_max
    return math.ceil(k_max * (1.0 - p))
