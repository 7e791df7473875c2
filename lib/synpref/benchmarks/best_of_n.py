"""Best-of-n: how good the response is that a reward model picks out of n, beside the best that could be picked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synpref.benchmarks.figures import Credit, Figure, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, Response, make_item, unique_items
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores, score_of

NAME = "best_of_n"
MEAN = "mean"


@dataclass(frozen=True)
class Curve:
    """Mean true score of what is picked, for n = 1, 2, … (place 0 is n = 1). oracle: of the best in truth.

    The first point of both is what picking at random gives. n ends where the shortest list does: `shortest` of `lists`
    are no longer, while `longest` candidates stand in the longest. unknown: candidates left out since nobody knows
    their truth, and `empty` lists of such alone.
    """

    picked: tuple[Figure, ...]
    oracle: tuple[Figure, ...]
    lists: int = 0
    shortest: int = 0
    longest: int = 0
    unknown: int = 0
    empty: int = 0

    @property
    def notes(self) -> list[str]:
        """Where the curve ends before the longest list does and why, and what was left out, in words."""
        told, end = [], len(self.picked)
        if end < self.longest:
            told.append(
                f"ends at n = {end}, since {self.shortest:,} of {self.lists:,} lists hold no more candidates with a "
                f"true score; the longest holds {self.longest}"
            )
        if self.unknown:
            of_empty = f", among them all of {self.empty:,} lists" if self.empty else ""
            told.append(f"left out for want of a true score: {self.unknown:,} candidates{of_empty}")
        return told

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of prompt_id, prompt, candidates (list of {text, true_score}), subset where there is such a column.

    true_score: a number that says how good the text is, null where nobody knows; also called gpt4_turbo_p_beats_ref.
    Raises InputError naming file and row.
    """
    return unique_items(read_rows(paths), _item)


def _item(row: Row) -> Item:
    given = row.parts("candidates")
    responses = [Response(str(place), each.text("text"), _truth(each)) for place, each in enumerate(given)]
    part = row.text("subset") if row.has("subset") else "lists"
    return make_item(row.name("prompt_id", "id"), row.conversation("prompt"), responses, part=part)


def _truth(row: Row) -> float | None:
    names = ("true_score", "gpt4_turbo_p_beats_ref")
    if not any(name in row.values for name in names):
        raise row.error(f"no column {' or '.join(map(repr, names))}")
    return row.number(*(name for name in names if row.has(name))) if row.has(*names) else None


def expected_best(scores: Sequence[float], truths: Sequence[float]) -> NDArray[np.float64]:
    """Mean true score of the highest-scored of n candidates, over all ways to draw n of them: (candidates,) from n = 1.

    Exact, and independent of the order of the candidates. Equal scores at the top are drawn from evenly, so a scorer
    that tells nothing apart has the plain mean for every n.
    """
    size = len(scores)
    ways = np.array([[comb(count, n) for n in range(1, size + 1)] for count in range(size + 1)], dtype=np.float64)
    values = np.zeros(size)
    below = 0
    for level in sorted(set(scores)):
        here = [truth for own, truth in zip(scores, truths, strict=True) if own == level]
        upto = below + len(here)
        values += (ways[upto] - ways[below]) * (sum(here) / len(here))
        below = upto
    return np.asarray(values / ways[size])


def curve(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Curve:
    """Curve over items, each counting the same (paper.md §5.1); the intervals of what is picked resample prompts.

    Candidates without a known truth take no part, nor items without any; both are counted.
    """
    items = tuple(items)
    picked: list[tuple[str, NDArray[np.float64]]] = []
    oracle: list[tuple[str, NDArray[np.float64]]] = []
    for item in items:
        known = [(each, truth) for each, truth in zip(item.candidates, item.truths, strict=True) if truth is not None]
        if known:
            own, truths = [score_of(scores, each) for each, _ in known], [truth for _, truth in known]
            picked.append((item.prompt_id, expected_best(own, truths)))
            oracle.append((item.prompt_id, expected_best(truths, truths)))
    lines = _line(picked, seed), _line(oracle, None)
    sizes = [len(each) for _, each in picked]
    shortest, unknown = sizes.count(min(sizes, default=0)), sum(item.truths.count(None) for item in items)
    return Curve(*lines, len(sizes), shortest, max(sizes, default=0), unknown, len(items) - len(sizes))


def curves(items: Iterable[Item], scores: Scores, seed: int | None = None) -> dict[str, Curve]:
    """One curve a part, and one under "mean" over all items where there are several parts."""
    parts: dict[str, list[Item]] = {}
    for item in items:
        parts.setdefault(item.part, []).append(item)
    found = {part: curve(parts[part], scores, seed) for part in sorted(parts)}
    if len(parts) > 1:
        found[MEAN] = curve([item for part in parts.values() for item in part], scores, seed)
    return found


def _line(values: Sequence[tuple[str, NDArray[np.float64]]], seed: int | None) -> tuple[Figure, ...]:
    shortest = min((len(each) for _, each in values), default=0)
    points = [
        tabulate([Credit(prompt, "n", float(each[n])) for prompt, each in values], seed).pooled(["n"])
        for n in range(shortest)
    ]
    return tuple(point for point in points if point is not None)
