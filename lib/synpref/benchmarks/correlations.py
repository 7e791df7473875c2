"""Correlations: of scores with length, and of benchmarks with each other over several models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synpref.benchmarks.figures import Figure, in_blocks
from synpref.benchmarks.items import Item
from synpref.benchmarks.scores import Scores, score_of
from synpref.quality.intervals import Sums, bootstrap

LEAST_MODELS = 3  # two points lie on a line, whatever they are


class Correlation(NamedTuple):
    """Pearson's r of two benchmarks, over so many models that have both."""

    r: float
    models: int


def length_correlation(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Figure | None:
    """Pearson's r of score and log characters, both less their mean over the prompt's responses.

    So it asks whether the longer of two answers to one prompt gets more, whichever is right. Each response counts once.
    None where nothing varies. rows: responses; the interval resamples prompts.
    """
    prompts: dict[str, dict[str, tuple[float, float]]] = {}
    for item in items:
        for each in item.needed:
            point = score_of(scores, each), log(max(len(each.text), 1))
            prompts.setdefault(item.prompt_id, {})[each.response_id] = point
    names = sorted(prompts)
    sums = np.array([_products(list(prompts[name].values())) for name in names]).reshape(-1, 3)
    value = float(_r(sums.sum(axis=0, keepdims=True))[0])
    if not np.isfinite(value):
        return None
    interval = None if seed is None else bootstrap(in_blocks(names, sums), _r, seed=seed)
    return Figure(value, sum(map(len, prompts.values())), len(names), interval)


def _products(points: list[tuple[float, float]]) -> NDArray[np.float64]:
    """Sums of products of centred scores and lengths: score by length, score by score, length by length."""
    centred = np.array(points) - np.mean(points, axis=0)
    score, length = centred.T
    return np.array([score @ length, score @ score, length @ length])


def _r(totals: Sums) -> Sums:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(totals[:, 0] / np.sqrt(totals[:, 1] * totals[:, 2]))


def benchmark_correlations(models: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, str], Correlation | None]:
    """Pearson's r of each two benchmarks over the models that have both (paper.md §5.2, Fig. 2).

    models: overall figures by model and benchmark. None for fewer than 3 such models, or where one benchmark is the
    same for all.
    """
    names = sorted({name for figures in models.values() for name in figures})
    return {pair: _correlation(models, *pair) for pair in combinations(names, 2)}


def _correlation(models: Mapping[str, Mapping[str, float]], first: str, second: str) -> Correlation | None:
    both = [(figures[first], figures[second]) for figures in models.values() if first in figures and second in figures]
    if len(both) < LEAST_MODELS:
        return None
    (value,) = _r(_products(both).reshape(1, 3))
    return Correlation(float(value), len(both)) if np.isfinite(value) else None
