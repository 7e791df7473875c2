"""Figures of a reward model on validation comparisons, against hand-computed cases."""

from __future__ import annotations

import math

import pytest

from synpref.analysis.validation import MAX_SOURCES, validation_figures
from synpref.errors import InputError
from synpref.reward.validation_rows import ValidationRows

ROWS = ValidationRows(
    chosen=["a", "c", "e", "g"],
    rejected=["b", "d", "f", "h"],
    chosen_characters=[5, 1, 7, 2],
    rejected_characters=[1, 5, 7, 9],
    group=["x", "x", "y", "y"],
    source=["one", "one", "one", "two"],
)
REWARDS = {"a": 2.0, "b": 1.0, "c": 0.0, "d": 3.0, "e": 1.0, "f": 1.0, "g": 4.0, "h": 0.0}


def test_accuracy_length_and_sources() -> None:
    found = validation_figures(ROWS, REWARDS, seed=1)
    assert found.rows == 4
    assert found.accuracy.estimate == 2.5 / 4  # right, wrong, tie, right
    assert found.length.estimate == 1.5 / 4  # right, wrong, tie, wrong
    assert found.accuracy.groups == 2
    assert {name: (one.rows, one.accuracy) for name, one in found.by_source.items()} == {
        "one": (3, 0.5), "two": (1, 1.0)
    }  # fmt: skip
    assert (found.accuracy.low, found.accuracy.high) == (0.5, 0.75)  # a draw may take one group twice


def test_what_was_refused_is_counted_apart() -> None:
    found = validation_figures(ROWS, {**REWARDS, "c": math.nan}, seed=1)
    assert (found.rows, found.unscored) == (3, 1)
    assert found.accuracy.estimate == 2.5 / 3
    with pytest.raises(InputError, match="no comparison has a reward"):
        validation_figures(ROWS, dict.fromkeys(REWARDS, math.nan), seed=1)


def test_many_sources_are_not_listed() -> None:
    count = MAX_SOURCES + 1
    names = [str(number) for number in range(count)]
    rows = ValidationRows(names, [f"{name}!" for name in names], [1] * count, [1] * count, names, names)
    rewards = dict.fromkeys(names, 1.0) | {f"{name}!": 0.0 for name in names}
    found = validation_figures(rows, rewards, seed=1)
    assert found.by_source == {}
    assert found.accuracy.estimate == 1
