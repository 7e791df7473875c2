"""What a benchmark reports: its figures, what it covers, and an overall figure only where nothing is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synpref.benchmarks.figures import Figure
from synpref.benchmarks.items import Item
from synpref.benchmarks.scores import Scores, score_of


@dataclass(frozen=True)
class Part:
    """A subset, domain or set: items found, and as many as were published; None where that number is not known."""

    name: str
    items: int
    published: int | None

    @property
    def complete(self) -> bool:
        """All that was published is there, no more and no less; where that is not known, anything at all."""
        return self.items > 0 if self.published is None else self.items == self.published


@dataclass(frozen=True)
class Coverage:
    """Every part that the benchmark's overall figure needs, in the published order."""

    parts: tuple[Part, ...]

    @property
    def complete(self) -> bool:
        """Whether an overall figure may be given."""
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the parts that are absent or not complete."""
        return tuple(part.name for part in self.parts if not part.complete)

    def has(self, names: Iterable[str]) -> bool:
        """Tell whether all of these parts are complete."""
        return not set(names) & set(self.missing)


def coverage(items: Iterable[Item], published: Mapping[str, int | None]) -> Coverage:
    """Count items by part against what was published. Parts that the overall figure does not need are left out."""
    found = Counter(item.part for item in items)
    return Coverage(tuple(Part(name, found[name], size) for name, size in published.items()))


@dataclass(frozen=True)
class Result:
    """A model's result. overall: None where a part is missing. figures: by path ("section/Chat", "subset/math-prm").

    ties: pairs whose two scores are equal, which every pairwise accuracy counts as wrong.
    """

    benchmark: str
    overall: Figure | None
    figures: dict[str, Figure]
    coverage: Coverage
    items: int
    ties: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        parts = {part.name: {"items": part.items, "published": part.published} for part in self.coverage.parts}
        return {
            "benchmark": self.benchmark,
            "overall": None if self.overall is None else self.overall.as_dict(),
            "figures": {name: figure.as_dict() for name, figure in self.figures.items()},
            "parts": parts,
            "missing": list(self.coverage.missing),
            "items": self.items,
            "ties": self.ties,
        }


def present(figures: Mapping[str, Figure | None]) -> dict[str, Figure]:
    """The figures that could be computed."""
    return {name: figure for name, figure in figures.items() if figure is not None}


def tied_pairs(items: Iterable[Item], scores: Scores) -> int:
    """How many pairs have two equal scores."""
    return sum(
        score_of(scores, item.candidates[better]) == score_of(scores, item.candidates[worse])
        for item in items
        for better, worse in item.pairs
    )
