"""Our results in the layout of the paper's table, as plain values for a console and a page (paper.md §5.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synpref.benchmarks.measured import ONE_ORDER, Measured
from synpref.benchmarks.published import AVERAGE, COLUMNS, PUBLISHED
from synpref.benchmarks.results import COVERED
from synpref.benchmarks.selection import Given
from synpref.benchmarks.suite import paper_average

# By benchmark, of one scorer.
Results = Mapping[str, Measured]
STYLE_BIAS = "style_bias"


def paper_table(measured: Mapping[str, tuple[str, Results]]) -> dict[str, Any]:
    """columns, and rows {name, kind, values} of shares, None where there is none. The published rows come last.

    measured: by scorer's name its kind (model, scores, judge, baseline) and results.
    """
    rows = [
        {"name": name, "kind": kind, "values": [*(_overall(results.get(each)) for each in COLUMNS), _average(results)]}
        for name, (kind, results) in measured.items()
    ]
    published = [
        {"name": name, "kind": "published", "values": [None if each is None else each / 100 for each in values]}
        for name, values in PUBLISHED.items()
    ]
    return {"columns": [*COLUMNS.values(), AVERAGE], "rows": rows + published}


def _overall(found: Measured | None) -> float | None:
    """Of a judge on JudgeBench the figure in one order, since the published rows have that."""
    if found is None or found.result.overall is None:
        return None
    return found.result.figures.get(ONE_ORDER, found.result.overall).value


def _average(results: Results) -> float | None:
    return paper_average({name: found.result for name, found in results.items()})


def coverage_notes(asked: Sequence[Given], parts: Mapping[str, Sequence[str]]) -> list[str]:
    """Why a figure is missing in the paper's table, one sentence a benchmark. parts: missing ones by benchmark."""
    notes = []
    absent = [column for name, column in COLUMNS.items() if name not in {one.name for one in asked}]
    if absent:
        notes.append(f"{', '.join(absent)}: no files were named in evaluate.benchmarks")
    for one in asked:
        column = COLUMNS.get(one.name, one.name)
        missing = parts.get(one.name, ())
        if one.sampled:
            notes.append(f"{column}: a sample of {len(one.items):,} of {one.held:,} items, so no overall figure")
        elif missing:
            more = f" and {len(missing) - 4} more" if len(missing) > 5 else ""
            named = ", ".join(missing if not more else missing[:4])
            notes.append(f"{column}: {len(one.items):,} items; absent or not whole: {named}{more}")
    return notes


def judge_notes(measured: Mapping[str, tuple[str, Results]]) -> list[str]:
    """What the rows of judges mean, where there are any."""
    if all(kind != "judge" for kind, _ in measured.values()):
        return []
    return [
        "judges: right means right in both orders; in column JB in one order, the mean of both, as published",
        "judges under attack: an answer is preferred where both orders name it",
    ]


def figure_table(measured: Mapping[str, tuple[str, Results]]) -> list[dict[str, Any]]:
    """One row a benchmark and scorer: the overall figure, else the accuracy over pairs, else what is covered.

    Further: items measured and held, those without a score, rows refused, the correlation of score and length, and
    RM-Bench's style bias.
    """
    names = list(dict.fromkeys(each for _, results in measured.values() for each in results))
    return [
        _figure_row(benchmark, name, kind, results[benchmark])
        for benchmark in names
        for name, (kind, results) in measured.items()
        if benchmark in results
    ]


def _figure_row(benchmark: str, name: str, kind: str, found: Measured) -> dict[str, Any]:
    figure = found.headline
    bias = _value(found, STYLE_BIAS)
    return {
        "benchmark": benchmark,
        "name": name,
        "kind": kind,
        "figure": found.headline_name,
        "value": figure and figure.value,
        "interval": None if figure is None or figure.interval is None else figure.interval.as_dict(),
        "items": found.result.items,
        "held": found.held,
        "unscored": found.unscored,
        "refused": found.refused,
        "ties": found.result.ties,
        "length_correlation": found.length and found.length.value,
        "style_bias": _value(found, f"{COVERED}/{STYLE_BIAS}") if bias is None else bias,
        "position_flip": _value(found, "judge/position flip"),
        "single_order": _value(found, "judge/single order"),
    }


def _value(found: Measured, path: str) -> float | None:
    return found.result.figures[path].value if path in found.result.figures else None
