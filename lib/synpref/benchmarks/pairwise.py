"""Pairwise accuracy, which most benchmarks are made of (paper.md §5.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from synpref.benchmarks.figures import Credit
from synpref.benchmarks.items import Item
from synpref.benchmarks.scores import Scores, score_of

# What each pair of an item earns, in the order of its pairs: 1 right, 0 wrong.
Earned = Callable[[Item], Sequence[float]]


def by_part(item: Item) -> str:
    """Cell of an item's part."""
    return item.part


def by_category(item: Item) -> str:
    """Cell of an item's category."""
    return item.category


def by_scores(scores: Scores) -> Earned:
    """1 where the better response of a pair has the higher score, else 0; equal scores are wrong.

    A candidate that stands in no pair needs no score.
    """

    def earned(item: Item) -> list[float]:
        values = [[score_of(scores, item.candidates[place]) for place in pair] for pair in item.pairs]
        return [float(better > worse) for better, worse in values]

    return earned


def pair_credits(items: Iterable[Item], scores: Scores, cell: Callable[[Item], str] = by_part) -> Iterator[Credit]:
    """One credit a pair, as `by_scores` says."""
    return earned_credits(items, by_scores(scores), cell)


def earned_credits(items: Iterable[Item], earned: Earned, cell: Callable[[Item], str] = by_part) -> Iterator[Credit]:
    """One credit a pair, of what it earns."""
    for item in items:
        for value in earned(item):
            yield Credit(item.prompt_id, cell(item), value)
