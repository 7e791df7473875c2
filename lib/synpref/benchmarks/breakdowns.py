"""Pairwise accuracy by category, and by quarters of whatever a pair can be measured by: length, margin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from math import log
from typing import Any

import numpy as np

from synpref.benchmarks.figures import Credit, Figure, tabulate
from synpref.benchmarks.items import Item
from synpref.benchmarks.pairwise import by_category, pair_credits
from synpref.benchmarks.scores import Scores, score_of

# Measure of a pair of an item, (better, worse) as places in its candidates; None leaves the pair out.
Pair = tuple[int, int]
Measure = Callable[[Item, Pair], float | None]


@dataclass(frozen=True)
class Quarter:
    """Accuracy over the pairs whose measure lies from `low` to `high`, both included."""

    low: float
    high: float
    accuracy: Figure

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def accuracy_by_category(items: Iterable[Item], scores: Scores, seed: int | None = None) -> dict[str, Figure]:
    """Pairwise accuracy over the pairs of each category that has any."""
    table = tabulate(pair_credits(items, scores, by_category), seed)
    return {cell: figure for cell in table.cells if (figure := table.pooled([cell])) is not None}


def accuracy_by_quarter(
    items: Iterable[Item], scores: Scores, measure: Measure, seed: int | None = None
) -> tuple[Quarter, ...]:
    """Pairwise accuracy in the four quarters of a measure, lowest first; equal scores are wrong.

    Pairs of one measure stay together, so quarters differ in size where values repeat, and one may be left out.
    """
    found = [(item, pair, value) for item in items for pair in item.pairs if (value := measure(item, pair)) is not None]
    values = np.array([value for *_, value in found])
    if not found:
        return ()
    quarters = np.searchsorted(np.quantile(values, (0.25, 0.5, 0.75)), values, side="left")
    right = [
        Credit(item.prompt_id, str(quarter), float(_margin(item, pair, scores) > 0))
        for (item, pair, _), quarter in zip(found, quarters, strict=True)
    ]
    table = tabulate(right, seed)
    return tuple(
        Quarter(float(values[quarters == quarter].min()), float(values[quarters == quarter].max()), figure)
        for quarter in range(4)
        if (figure := table.pooled([str(quarter)])) is not None
    )


def length_ratio(item: Item, pair: Pair) -> float:
    """Log of the characters of the better response over those of the worse; an empty text counts as one character."""
    sizes = [max(len(item.candidates[place].text), 1) for place in pair]
    return log(sizes[0]) - log(sizes[1])


def label_margin(item: Item, _: Pair) -> float | None:
    """How much better the file says that the chosen response is; None where it does not say."""
    return item.margin


def score_margin(scores: Scores) -> Measure:
    """How sure a reward model is of a pair: the difference of its two scores, without sign."""
    return lambda item, pair: abs(_margin(item, pair, scores))


def _margin(item: Item, pair: Pair, scores: Scores) -> float:
    better, worse = (score_of(scores, item.candidates[place]) for place in pair)
    return better - worse
