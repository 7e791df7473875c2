"""What every figure stands beside: the longer response is better, and chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from synpref.benchmarks.figures import Figure
from synpref.benchmarks.items import Item
from synpref.benchmarks.measured import Measured, measure, pairs_right, partial, scored
from synpref.benchmarks.selection import Given
from synpref.pairs.draw import draw

LENGTH, CHANCE = "length only", "chance"
DRAWS = 10  # random scorers whose mean is chance: one of them may be a few points off


def length_scores(items: Iterable[Item]) -> dict[str, float]:
    """Characters of each response: a scorer that prefers the longer one."""
    return {each.response_id: float(len(each.text)) for item in items for each in item.candidates}


def random_scores(items: Iterable[Item], seed: int, number: int) -> dict[str, float]:
    """A number in [0, 1) for each response that has nothing to do with it."""
    ids = {each.response_id for item in items for each in item.candidates}
    return {each: draw(seed, f"chance {number}", each) for each in ids}


def by_length(asked: Given, seed: int) -> Measured:
    """The length baseline through the functions that measure a model."""
    return measure(asked, length_scores(asked.items), seed)


def by_chance(asked: Given, seed: int) -> Measured:
    """The mean of several random scorers through the same functions, without intervals."""
    drawn = [random_scores(asked.items, seed, number) for number in range(DRAWS)]
    results = [partial(scored(asked, asked.items, one, None), asked.sampled) for one in drawn]
    accuracies = [pairs_right(asked.items, one, None) for one in drawn]
    figures = [one.figures for one in results]
    result = replace(
        results[0],
        overall=_mean([one.overall for one in results]),
        figures={name: mean for name in figures[0] if (mean := _mean([one.get(name) for one in figures]))},
        ties=0,
    )
    return Measured(result=result, accuracy=_mean(accuracies), held=asked.held, refused=asked.refused)


BASELINES: Mapping[str, Callable[[Given, int], Measured]] = {LENGTH: by_length, CHANCE: by_chance}


def _mean(figures: Sequence[Figure | None]) -> Figure | None:
    found = [figure for figure in figures if figure is not None]
    return replace(found[0], value=fmean(figure.value for figure in found), interval=None) if found else None
