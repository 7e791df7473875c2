"""Whether p = sigmoid(margin) is the share of comparisons that a reward model is right on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Comparisons whose confidence lies in [low, high): how many, their mean confidence, the share that is right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """bins: those that hold a comparison, in order. error: expected calibration error, 0 to 0.5. loss: mean
    Bradley-Terry loss in nats (paper.md §4); log 2 is chance.
    """

    bins: tuple[Bin, ...]
    error: float
    loss: float


def calibration(margins: NDArray[np.float64], bins: int = BINS) -> Calibration:
    """Measure margins r_chosen - r_rejected, of which there must be at least one.

    Which side a comparison calls chosen is known, so p itself has only right answers to be compared with: the
    confidence max(p, 1 - p), from 0.5 to 1, is compared with how often the response it prefers is the chosen one
    (equal rewards count half), in equal bins (Guo et al. 2017, arXiv 1706.04599, equation 3).
    """
    confidence = 1 / (1 + np.exp(-np.abs(margins)))
    right = (margins > 0) + 0.5 * (margins == 0)
    edges = np.linspace(0.5, 1, bins + 1)
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(int), bins - 1)
    found = tuple(
        Bin(
            low=float(edges[one]),
            high=float(edges[one + 1]),
            rows=int((place == one).sum()),
            confidence=float(confidence[place == one].mean()),
            accuracy=float(right[place == one].mean()),
        )
        for one in range(bins)
        if (place == one).any()
    )
    error = sum(one.rows * abs(one.accuracy - one.confidence) for one in found) / len(margins)
    return Calibration(found, float(error), float(np.logaddexp(0, -margins).mean()))


def reliability_plot(found: Calibration, title: str) -> Figure:
    """The bins as a figure: confidence against accuracy, beside the line where both are equal."""
    from matplotlib.figure import Figure  # not needed to measure

    figure = Figure(figsize=(5.2, 5.0), layout="constrained")
    axes = figure.subplots()
    axes.plot([50, 100], [50, 100], color="#7b8794", linewidth=1, label="calibrated")
    total = sum(one.rows for one in found.bins)
    for one in found.bins:
        axes.bar(50 * (one.low + one.high), 100 * one.rows / total, 100 * (one.high - one.low) * 0.9, color="#e4e7eb")
    confidence, accuracy = [100 * one.confidence for one in found.bins], [100 * one.accuracy for one in found.bins]
    axes.plot(confidence, accuracy, "o-", color="#2c7a7b", label="measured")
    axes.set(
        xlabel="confidence max(p, 1 - p), %",
        ylabel="right, %  (bars: share of comparisons)",
        xlim=(49, 101),
        ylim=(0, 103),
        title=f"{title}: calibration error {100 * found.error:.1f} points",
    )
    axes.legend(frameon=False, loc="lower right")
    return figure
