"""Results as rows of the table benchmark_scores (`store.contracts.records`); the caller adds campaign and engine_id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from synpref.benchmarks.best_of_n import Curve
from synpref.benchmarks.figures import Figure
from synpref.benchmarks.results import Result

ALL = "all"
SCORE = "score"


class ScoreRow(NamedTuple):
    """One figure. subset: "all" for the whole, else the figure's path. low, high: None without an interval."""

    benchmark: str
    subset: str
    metric: str
    value: float
    low: float | None
    high: float | None
    items: int


def result_rows(result: Result) -> list[ScoreRow]:
    """One row a figure, with the metric "score"; a row "all" only where the benchmark is whole."""
    whole = {} if result.overall is None else {ALL: result.overall}
    return [figure_row(result.benchmark, subset, SCORE, figure) for subset, figure in (whole | result.figures).items()]


def curve_rows(benchmark: str, curves: Mapping[str, Curve]) -> list[ScoreRow]:
    """One row a part and point, with the metrics "best_of_<n>" and "oracle_of_<n>"."""
    return [
        figure_row(benchmark, part, f"{line}_of_{n}", figure)
        for part, curve in curves.items()
        for line, figures in (("best", curve.picked), ("oracle", curve.oracle))
        for n, figure in enumerate(figures, start=1)
    ]


def figure_row(benchmark: str, subset: str, metric: str, figure: Figure) -> ScoreRow:
    """A figure with its interval, where it has one, as a row."""
    low, high = (None, None) if figure.interval is None else (figure.interval.low, figure.interval.high)
    return ScoreRow(benchmark, subset, metric, figure.value, low, high, figure.rows)
