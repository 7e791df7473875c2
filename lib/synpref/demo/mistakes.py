"""How often a simulated person or judge errs on an item: more often where it is hard."""

from __future__ import annotations

from synpref.demo.task import MEAN_DIFFICULTY

_GUESS = 0.5  # nobody does worse than guessing, however hard the item


def error_probability(rate: float, difficulty: float | None) -> float:
    """Probability of an error on an item, with mean `rate` over items of mean difficulty MEAN_DIFFICULTY.

    Linear in difficulty: from next to 0 on the easiest item to about twice the rate, at most a guess, on the hardest.
    An item of unknown difficulty has the mean rate; so has every item where the rate is a guess or worse.
    """
    if difficulty is None:
        return rate
    slope = max(0.0, min(rate, _GUESS - rate)) / max(MEAN_DIFFICULTY, 1 - MEAN_DIFFICULTY)
    return rate + slope * (difficulty - MEAN_DIFFICULTY)


def other(winner: str) -> str:
    """The side that did not win."""
    return "b" if winner == "a" else "a"
