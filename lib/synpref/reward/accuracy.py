"""How often rewards order comparisons as their labels do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from synpref.errors import InputError
from synpref.reward.rows import Comparisons


def margins(rewards: Mapping[str, float], comparisons: Comparisons) -> NDArray[np.float64]:
    """r_chosen - r_rejected of each comparison, in its order. Raises InputError naming a response without reward."""
    absent = next((name for name in comparisons.response_ids if name not in rewards), None)
    if absent is not None:
        raise InputError(f"response {absent} stands in a comparison and has no reward; score it first")
    values = np.array([rewards[name] for name in comparisons.response_ids], dtype=np.float64)
    return np.asarray(values[comparisons.chosen] - values[comparisons.rejected])


def accuracy(rewards: Mapping[str, float], comparisons: Comparisons) -> float:
    """Share of comparisons whose chosen response has the higher reward (paper.md §2.2).

    Equal rewards count half: a constant scorer has 0.5.
    """
    return accuracy_of(margins(rewards, comparisons))


def accuracy_of(differences: NDArray[np.floating]) -> float:
    """The same from margins, of which there must be at least one."""
    return float(((differences > 0) + 0.5 * (differences == 0)).mean())
