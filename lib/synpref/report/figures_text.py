"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ABSENT = "\N{EN DASH}"


def count(value: float | None) -> str:
    """12,345; a dash for None."""
    return ABSENT if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """81.2 %; a dash for None."""
    return ABSENT if value is None else f"{100 * value:.1f} %"


def error(accuracy: float | None) -> str:
    """What an accuracy leaves wrong: 18.8 %; a dash for None."""
    return percent(None if accuracy is None else 1 - accuracy)


def points(value: float | None) -> str:
    """A difference of shares in percentage points with its sign: +1.4."""
    return ABSENT if value is None else f"{100 * value:+.1f}"


def duration(seconds: float | None) -> str:
    """0.4 s, 12 s, 3 min 20 s, 2 h 05 min."""
    if seconds is None:
        return ABSENT
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def interval(value: Mapping[str, Any] | None, difference: bool = False) -> str:
    """79.8 to 83.1 %, with a word where groups are few; empty for None. difference: in points, with signs."""
    if value is None:
        return ""
    low, high = 100 * value["low"], 100 * value["high"]
    text = f"{low:+.1f} to {high:+.1f} points" if difference else f"{low:.1f} to {high:.1f} %"
    return f"{text}, few groups ({value['groups']})" if value.get("few_groups") else text


def repairs_told(value: Mapping[str, int]) -> str:
    """Of a judge's answers that were asked for again: "12 of 15 repaired, 2 unparsed"; a dash where none was."""
    if not value["asked"]:
        return ABSENT
    return f"{count(value['repaired'])} of {count(value['asked'])} repaired, {count(value['unparsed'])} unparsed"


def share(value: float | None) -> str:
    """A share in percent without its sign, for a table that says so: 81.2; a dash for None."""
    return ABSENT if value is None else f"{100 * value:.1f}"
