"""What stands behind the figures of benchmarks as text: categories, and quarters of lengths and margins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from synpref.report.console import printable, text_table
from synpref.report.figures_text import ABSENT, count, share

_NAMED = ("difficulty", "category")
_LARGEST = 8  # categories of a benchmark on a terminal; the page has them all
Tables = Sequence[Mapping[str, Any]]


def breakdown_text(tables: Tables) -> str:
    """From the plain values of `benchmarks.breakdown_table`; empty where there is nothing."""
    return "\n\n".join(part for part in (_named(tables), _quarters(tables)) if part)


def _named(tables: Tables) -> str:
    """A line a benchmark's category and scorers beside each other; of many categories only their number."""
    names = list(dict.fromkeys(name for table in tables for name in table["scorers"]))
    rows: list[Sequence[str]] = [("right by category, percent", "", *names)]
    more = []
    for table in tables:
        for by in _NAMED:
            parts = [row for row in table["rows"] if row["by"] == by]
            if len(parts) > _LARGEST:
                where = "categories, see the report or benchmarks.json"
                more.append(f"  {printable(table['benchmark'])}: {count(len(parts))} {where}")
                continue
            for row in parts:
                values = dict(zip(table["scorers"], map(_value, row["figures"]), strict=True))
                rows.append((table["benchmark"], row["part"], *(values.get(name, ABSENT) for name in names)))
    told = [text_table("Categories", rows)] if len(rows) > 1 else ["Categories"] if more else []
    return "\n".join([*told, *more])


def _quarters(tables: Tables) -> str:
    """A line a benchmark and scorer: the shares right in the four quarters of each measure, from the lowest."""
    measures = list(dict.fromkeys(row["by"] for table in tables for row in table["rows"] if row["by"] not in _NAMED))
    if not measures:
        return ""
    rows: list[Sequence[str]] = [("right by quarter, percent", "", *measures)]
    for table in tables:
        for place, name in enumerate(table["scorers"]):
            own = ["  ".join(_line(table, place, by)) for by in measures]
            if any(own):
                rows.append((table["benchmark"], name, *(values or ABSENT for values in own)))
    note = "  from the lowest quarter to the highest; length ratio: of the better answer to the worse"
    return f"{text_table('Quarters', rows)}\n{note}"


def _line(table: Mapping[str, Any], place: int, by: str) -> Iterator[str]:
    for row in table["rows"]:
        if row["by"] == by and row["figures"][place] is not None:
            yield _value(row["figures"][place])


def _value(figure: Mapping[str, Any] | None) -> str:
    return ABSENT if figure is None else share(figure["value"])
