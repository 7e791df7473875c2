"""Pairwise accuracy, which most benchmarks are made of (paper.md §5.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from synpref.benchmarks.figures import Credit
from synpref.benchmarks.items import Item
from synpref.benchmarks.scores import Scores, score_of


def by_part(item: Item) -> str:
    """Cell of an item's part."""
    return item.part


def by_category(item: Item) -> str:
    """Cell of an item's category."""
    return item.category


def pair_credits(items: Iterable[Item], scores: Scores, cell: Callable[[Item], str] = by_part) -> Iterator[Credit]:
    """One credit a pair: 1 where the better response has the higher score, else 0; equal scores are wrong.

    A candidate that stands in no pair needs no score.
    """
    for item in items:
        for pair in item.pairs:
            better, worse = (score_of(scores, item.candidates[place]) for place in pair)
            yield Credit(item.prompt_id, cell(item), float(better > worse))
