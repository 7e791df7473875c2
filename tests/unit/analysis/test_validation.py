"""Figures of a reward model on validation comparisons, against hand-computed cases."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from synpref.analysis.validation import MAX_SOURCES, validation_figures
from synpref.errors import InputError
from synpref.flow.model_record import metrics_of
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


def test_accuracy_by_category_counts_those_without_one_as_unknown() -> None:
    rows = replace(ROWS, category=["math", "code", None, "math"])
    found = validation_figures(rows, {**REWARDS, "g": math.nan}, seed=1)
    assert {name: (one.rows, one.accuracy) for name, one in found.by_category.items()} == {
        "math": (1, 1.0), "code": (1, 0.0), "unknown": (1, 0.5)
    }  # fmt: skip
    assert found.as_dict()["by_category"]["math"] == {"rows": 1, "accuracy": 1.0}


@pytest.mark.parametrize("category", [[], [None] * 4])
def test_without_categories_there_is_nothing_by_category(category: list[str | None]) -> None:
    assert validation_figures(replace(ROWS, category=category), REWARDS, seed=1).by_category == {}


def test_mlflow_is_told_accuracies_by_category() -> None:
    told = metrics_of(validation_figures(replace(ROWS, category=["math", "a, b", None, "math"]), REWARDS, seed=1))
    assert {name: value for name, value in told.items() if "by_category" in name} == {
        "validation/accuracy_by_category/math": 1.0,
        "validation/accuracy_by_category/a__b": 0.0,
        "validation/accuracy_by_category/unknown": 0.5,
    }
    assert not [name for name in metrics_of(validation_figures(ROWS, REWARDS, seed=1)) if "by_category" in name]


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
