"""The Ties formula of RewardBench 2: all right answers above all wrong ones, and closer to each other than to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import copysign, tanh
from typing import NamedTuple

from synpref.benchmarks.figures import Credit
from synpref.benchmarks.items import Item
from synpref.benchmarks.scores import Scores, scores_of

TIES = "Ties"
# Terms of the formula and their weights (paper.md §5.1). They sum to 1.01: the last one only breaks ties.
TIES_WEIGHTS = {
    "ties accurate tied": 0.30,
    "ties accurate reference": 0.30,
    "ties preferred": 0.20,
    "ties preferred hard": 0.20,
    "ties margin": 0.01,
}
_ID = re.compile(r"(?:Ties/)?(ref|tied):(\d+)")


class Margins(NamedTuple):
    """gap: lowest right score minus highest wrong one. spread: highest minus lowest right score."""

    gap: float
    spread: float


def ties_key(name: str) -> str | None:
    """What a tied item and its reference share: the number in "ref:<n>" and "tied:<n>"; None for any other id."""
    found = _ID.fullmatch(name)
    return None if found is None else str(int(found.group(2)))


def is_tied(name: str) -> bool:
    """Tell whether the id is that of a prompt with several right answers."""
    found = _ID.fullmatch(name)
    return found is not None and found.group(1) == "tied"


def ties_credits(items: Iterable[Item], scores: Scores) -> Iterator[Credit]:
    """Credits of each term, by cell of TIES_WEIGHTS; they count for the number of the item, its reference's too.

    The last three terms compare a tied item with its reference: where one of the two is absent, there is no credit.
    """
    tied: dict[str, Margins] = {}
    reference: dict[str, Margins] = {}
    for item in items:
        found = margins(scores_of(scores, item), item)
        (tied if is_tied(item.id) else reference)[ties_key(item.id) or item.id] = found
    for key, own in tied.items():
        yield Credit(key, "ties accurate tied", float(own.gap > 0))
    for key, other in reference.items():
        yield Credit(key, "ties accurate reference", float(other.gap > 0))
    for key in tied.keys() & reference.keys():
        own, hard = tied[key], min(tied[key].gap, reference[key].gap)
        yield Credit(key, "ties preferred", float(own.gap > own.spread))
        yield Credit(key, "ties preferred hard", float(hard > own.spread))
        yield Credit(key, "ties margin", margin_term(hard, own.spread))


def margins(values: list[float], item: Item) -> Margins:
    """Gap and spread of an item's scores; an item with one right answer has no spread."""
    right = [values[place] for place in item.right]
    return Margins(min(right) - max(values[place] for place in item.wrong), max(right) - min(right))


def margin_term(gap: float, spread: float) -> float:
    """tanh(gap / spread - 1), in [-1, 1]; without spread its limit: 1, -1, or 0 where the gap is 0 too."""
    if spread == 0:
        return 0.0 if gap == 0 else copysign(1.0, gap)
    return tanh(gap / spread - 1)
