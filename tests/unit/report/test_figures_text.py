"""Numbers as people read them."""

from __future__ import annotations

import pytest

from synpref.report.figures_text import ABSENT, count, duration, error, interval, percent, points


def test_counts_shares_and_differences() -> None:
    assert (count(1234567), percent(0.8125), error(0.8), points(0.0142), points(-0.2)) == (
        "1,234,567", "81.2 %", "20.0 %", "+1.4", "-20.0",
    )  # fmt: skip


def test_what_is_absent_is_a_dash() -> None:
    assert {count(None), percent(None), error(None), points(None), duration(None)} == {ABSENT}
    assert interval(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_intervals_say_where_groups_are_few() -> None:
    found = {"low": 0.7981, "high": 0.8312, "groups": 12}
    assert interval({**found, "few_groups": False}) == "79.8 to 83.1 %"
    assert interval({**found, "few_groups": True}) == "79.8 to 83.1 %, few groups (12)"
    assert interval({"low": -0.01, "high": 0.02}, difference=True) == "-1.0 to +2.0 points"
