"""What stands behind the figures of a benchmark, as plain values: difficulty, category, and quarters of a measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from synpref.benchmarks import rm_bench
from synpref.benchmarks.figures import Figure
from synpref.benchmarks.measured import Measured
from synpref.benchmarks.results import COVERED

DIFFICULTY, CATEGORY = "difficulty", "category"
QUARTERS = {"length_ratio": "length ratio", "label_margin": "label margin", "score_margin": "score margin"}


class Cell(NamedTuple):
    """One figure of one scorer. low, high: of the measure in its quarter, None for what is no quarter."""

    by: str
    part: str
    figure: Figure
    low: float | None = None
    high: float | None = None


def breakdown_table(measured: Mapping[str, tuple[str, Mapping[str, Measured]]]) -> list[dict[str, Any]]:
    """By benchmark {benchmark, scorers, rows}; a row is {by, part, figures}, one figure a scorer, None where none is.

    measured: by scorer's name its kind and results. figures: {value, rows, prompts, interval, low, high}, low and high
    being the ends of the quarter's measure (length ratio: log of characters, the better response's over the worse's).
    Quarters are numbered from the lowest. One category alone is the whole, and left out.
    """
    found: dict[str, dict[str, dict[tuple[str, str], Cell]]] = {}
    for name, (_, results) in measured.items():
        for benchmark, one in results.items():
            if cells := {(cell.by, cell.part): cell for cell in _cells(one)}:
                found.setdefault(benchmark, {})[name] = cells
    return [_of_benchmark(benchmark, scorers) for benchmark, scorers in found.items()]


def _of_benchmark(benchmark: str, scorers: Mapping[str, Mapping[tuple[str, str], Cell]]) -> dict[str, Any]:
    known = {place for cells in scorers.values() for place in cells}
    order = (DIFFICULTY, CATEGORY, *QUARTERS.values())
    rank = {name: number for number, name in enumerate(rm_bench.DIFFICULTIES)}
    places = sorted(known, key=lambda place: (order.index(place[0]), rank.get(place[1], len(rank)), place[1]))
    return {
        "benchmark": benchmark,
        "scorers": list(scorers),
        "rows": [
            {"by": by, "part": part, "figures": [_shown(cells.get((by, part))) for cells in scorers.values()]}
            for by, part in places
        ],
    }


def _shown(cell: Cell | None) -> dict[str, Any] | None:
    return None if cell is None else cell.figure.as_dict() | {"low": cell.low, "high": cell.high}


def _cells(found: Measured) -> Iterator[Cell]:
    figures = found.result.figures
    if found.result.benchmark == rm_bench.NAME:
        for name in rm_bench.DIFFICULTIES:
            figure = figures.get(name) or figures.get(f"{COVERED}/{name}")
            if figure is not None:
                yield Cell(DIFFICULTY, name, figure)
    if len(found.categories) > 1:
        for name, figure in found.categories.items():
            yield Cell(CATEGORY, name, figure)
    for measure, name in QUARTERS.items():
        for number, quarter in enumerate(found.quarters.get(measure, ()), start=1):
            yield Cell(name, f"quarter {number}", quarter.accuracy, quarter.low, quarter.high)
