"""Which items are measured: a seeded sample of them, and those whose scores are all there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from synpref.benchmarks.items import Item
from synpref.benchmarks.scores import Scores
from synpref.pairs.draw import draw


class Given(NamedTuple):
    """A benchmark as it is measured. items: all that its files hold, or a sample of those `held`.

    whole: the settings say that the files hold all that was published, where that cannot be told. refused: rows of a
    user's pairs that are no comparison, and no item.
    """

    name: str
    items: tuple[Item, ...]
    held: int
    whole: bool = False
    refused: int = 0

    @property
    def sampled(self) -> bool:
        """Whether some items were left out by choice."""
        return len(self.items) < self.held


def given(name: str, items: Sequence[Item], size: int | None, seed: int) -> Given:
    """At most `size` items, drawn by seed and item id, in their order; all of them where size is None."""
    if size is None or size >= len(items):
        return Given(name, tuple(items), len(items))
    drawn = sorted(range(len(items)), key=lambda place: (draw(seed, f"benchmark {name}", items[place].id), place))
    return Given(name, tuple(items[place] for place in sorted(drawn[:size])), len(items))


def scorable(items: Iterable[Item], scores: Scores) -> tuple[tuple[Item, ...], int]:
    """The items all of whose needed candidates have a score, and how many items lack one."""
    every = tuple(items)
    kept = tuple(
        item for item in every if all(each.name in scores or each.response_id in scores for each in item.needed)
    )
    return kept, len(every) - len(kept)
