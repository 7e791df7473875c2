"""All that is measured of one scorer on one benchmark: its result, and what stands behind the one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from synpref.benchmarks import ppe_correctness
from synpref.benchmarks.best_of_n import Curve
from synpref.benchmarks.breakdowns import (
    Quarter,
    accuracy_by_category,
    accuracy_by_quarter,
    label_margin,
    length_ratio,
    score_margin,
)
from synpref.benchmarks.correlations import length_correlation
from synpref.benchmarks.figures import Figure, tabulate
from synpref.benchmarks.items import Item
from synpref.benchmarks.pairwise import pair_credits
from synpref.benchmarks.results import COVERED, Result, vouched
from synpref.benchmarks.score_rows import ALL, ScoreRow, curve_rows, figure_row, result_rows
from synpref.benchmarks.scores import Scores
from synpref.benchmarks.selection import Given, scorable
from synpref.benchmarks.suite import benchmark

ACCURACY = "accuracy"
REFUSED = "refused_rows"
ONE_ORDER = "judge/single order, macro"  # a judge on the whole of JudgeBench as paper.md §5.2 has it


@dataclass(frozen=True)
class Measured:
    """accuracy: share right of all pairs that are there, which every benchmark with pairs has, whole or not.

    result.overall: None where a part is missing, where it is a sample, or where items have no score (`unscored`).
    held: items that the files hold. refused: their rows that are none. length: correlation of score and length.
    quarters: by measure of a pair.
    """

    result: Result
    accuracy: Figure | None
    held: int
    unscored: int = 0
    length: Figure | None = None
    categories: Mapping[str, Figure] = field(default_factory=dict)
    quarters: Mapping[str, tuple[Quarter, ...]] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    refused: int = 0

    @property
    def headline(self) -> Figure | None:
        """The overall figure, else the accuracy over the pairs that are there, else the mean over the parts there."""
        return self.result.overall or self.accuracy or self.result.figures.get(COVERED)

    @property
    def headline_name(self) -> str:
        """What the headline is: overall, pairs, or covered."""
        if self.result.overall is not None:
            return "overall"
        return COVERED if self.accuracy is None and COVERED in self.result.figures else "pairs"

    def rows(self) -> list[ScoreRow]:
        """Rows of benchmark_scores."""
        name = self.result.benchmark
        alone = {(ALL, ACCURACY): self.accuracy, (ALL, "length_correlation"): self.length}
        found = [figure_row(name, *place, figure) for place, figure in alone.items() if figure is not None]
        found += [figure_row(name, f"category/{each}", ACCURACY, figure) for each, figure in self.categories.items()]
        found += [
            figure_row(name, f"{measure}/quarter {number}", ACCURACY, quarter.accuracy)
            for measure, quarters in self.quarters.items()
            for number, quarter in enumerate(quarters, start=1)
        ]
        if self.refused:
            found.append(ScoreRow(name, ALL, REFUSED, float(self.refused), None, None, self.result.items))
        return [*result_rows(self.result), *found, *curve_rows(name, self.curves)]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return self.result.as_dict() | {
            "held": self.held,
            "unscored": self.unscored,
            "refused": self.refused,
            "accuracy": self.accuracy and self.accuracy.as_dict(),
            "length_correlation": self.length and self.length.as_dict(),
            "categories": {name: figure.as_dict() for name, figure in self.categories.items()},
            "quarters": {name: [each.as_dict() for each in quarters] for name, quarters in self.quarters.items()},
            "curves": {name: curve.as_dict() for name, curve in self.curves.items()},
        }


def measure(asked: Given, scores: Scores, seed: int | None) -> Measured:
    """Measure scores on a benchmark. An item without all its scores is left out and counted. seed: of the intervals."""
    items, unscored = scorable(asked.items, scores)
    result = partial(scored(asked, items, scores, seed), asked.sampled or unscored > 0)
    best_of_k = ppe_correctness.best_of_k if asked.name == ppe_correctness.NAME else None
    measures = {"length_ratio": length_ratio, "label_margin": label_margin, "score_margin": score_margin(scores)}
    return Measured(
        result=result,
        accuracy=pairs_right(items, scores, seed),
        held=asked.held,
        unscored=unscored,
        length=length_correlation(items, scores, seed),
        categories=accuracy_by_category(items, scores, seed),
        quarters={name: accuracy_by_quarter(items, scores, each, seed) for name, each in measures.items()},
        curves=best_of_k(items, scores, seed) if best_of_k else {},
        refused=asked.refused,
    )


def scored(asked: Given, items: Iterable[Item], scores: Scores, seed: int | None) -> Result:
    """The benchmark's own result on some of its items; its size is what the settings vouch for, where they do."""
    result = benchmark(asked.name).score(items, scores, seed)
    return vouched(result) if asked.whole else result


def pairs_right(items: Iterable[Item], scores: Scores, seed: int | None) -> Figure | None:
    """Share of all pairs whose better response has the higher score, every pair alike; None without pairs."""
    table = tabulate(pair_credits(items, scores), seed)
    return table.pooled(table.cells)


def comparable(measured: Mapping[str, Mapping[str, Measured]]) -> dict[str, dict[str, float]]:
    """By scorer and benchmark one number, of a benchmark the same measure for all scorers.

    That is the overall figure where all that were measured on it have one, else the accuracy over its pairs; of a
    benchmark without pairs the overall figure, or the mean over the parts that are there.
    """
    held = [(name, found) for results in measured.values() for name, found in results.items()]
    in_part = {name for name, found in held if found.result.overall is None}
    paired = {name for name, found in held if found.accuracy is not None}

    def figure(name: str, found: Measured) -> Figure | None:
        return found.accuracy if name in in_part & paired else found.result.overall or found.result.figures.get(COVERED)

    return {
        scorer: {name: one.value for name, found in results.items() if (one := figure(name, found)) is not None}
        for scorer, results in measured.items()
    }


def partial(result: Result, is_partial: bool) -> Result:
    """The result without an overall figure where it is of a part; what would have been one is called covered."""
    if not is_partial or result.overall is None:
        return result
    return replace(result, overall=None, figures={COVERED: result.overall} | result.figures)
