"""What a benchmark reports: its figures, what it covers, and an overall figure only where nothing is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from synpref.benchmarks.figures import Figure
from synpref.benchmarks.items import Item
from synpref.benchmarks.scores import Scores, score_of

COVERED = "covered"  # what would be the overall figure, of the parts that are there


@dataclass(frozen=True)
class Part:
    """A subset, domain or set: items found, and as many as were published; None where that number is not known.

    vouched: the caller says that what is there is all of it. partial: items with fewer or more responses than were
    published, each of which makes another benchmark, whoever vouches.
    """

    name: str
    items: int
    published: int | None
    vouched: bool = False
    partial: int = 0

    @property
    def complete(self) -> bool:
        """All that was published is there, no more and no less; where that is not known, only if somebody vouches."""
        all_there = self.vouched and self.items > 0 if self.published is None else self.items == self.published
        return all_there and not self.partial

    @property
    def told(self) -> str:
        """The name, and why a part that has items is not whole, or not known to be."""
        if self.partial:
            return f"{self.name} ({self.partial} of {self.items} without the published number of responses)"
        return f"{self.name} (its size is not known)" if self.published is None and self.items else self.name


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

    @property
    def told(self) -> tuple[str, ...]:
        """The missing parts in words."""
        return tuple(part.told for part in self.parts if not part.complete)

    def vouched(self) -> Coverage:
        """The same where somebody says that the parts whose size is not known are whole."""
        return Coverage(tuple(replace(part, vouched=True) for part in self.parts))

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


def vouched(result: Result) -> Result:
    """The result where somebody says that the files are whole: `covered` is overall if nothing else is missing."""
    cover = result.coverage.vouched()
    if result.overall is not None or COVERED not in result.figures or not cover.complete:
        return result
    figures = {name: figure for name, figure in result.figures.items() if name != COVERED}
    return replace(result, overall=result.figures[COVERED], figures=figures, coverage=cover)


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
