"""Accuracy by category, length and margin."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks.breakdowns import (
    accuracy_by_category,
    accuracy_by_quarter,
    label_margin,
    length_ratio,
    score_margin,
)
from synpref.benchmarks.items import Item, make_pair
from tests.unit.benchmarks.conftest import Scorer, any_scores, constant, inverted, pair, perfect, user


def sized(name: str, chosen: int, rejected: int) -> Item:
    """A pair of texts of these lengths."""
    return make_pair(name, user(f"prompt of {name}"), "a" * chosen, "b" * rejected, part="pairs")


# log ratios: log 1/8, 1/4, 1/2, 1, 1, 2, 4, 8
LENGTHS = [(1, 8), (1, 4), (1, 2), (3, 3), (5, 5), (2, 1), (4, 1), (8, 1)]
ITEMS = [sized(str(number), *sizes) for number, sizes in enumerate(LENGTHS)]


def by_length(items: list[Item]) -> dict[str, float]:
    """A scorer that sees nothing but length."""
    return {each.name: float(len(each.text)) for item in items for each in item.candidates}


def test_the_ratio_takes_an_empty_text_for_one_character() -> None:
    assert length_ratio(sized("x", 4, 0), (0, 1)) == pytest.approx(log(4))


def test_a_scorer_of_length_is_right_where_the_chosen_response_is_longer() -> None:
    quarters = accuracy_by_quarter(ITEMS, by_length(ITEMS), length_ratio)
    assert [quarter.accuracy.value for quarter in quarters] == [0.0, 0.0, 1.0, 1.0]
    assert [quarter.accuracy.rows for quarter in quarters] == [2, 3, 1, 2]
    assert [quarters[0].low, quarters[3].high] == pytest.approx([-log(8), log(8)])


def test_pairs_of_one_measure_stay_together() -> None:
    same = [sized(str(number), 2, 1) for number in range(6)]
    (only,) = accuracy_by_quarter(same, perfect(same), length_ratio)
    assert (only.low, only.high, only.accuracy.rows) == (log(2), log(2), 6)


def test_quarters_by_the_margin_of_the_label_leave_out_what_has_none() -> None:
    items = [replace(item, margin=float(place) if place < 4 else None) for place, item in enumerate(ITEMS)]
    quarters = accuracy_by_quarter(items, perfect(items) | inverted(items[:1]), label_margin)
    assert [(quarter.low, quarter.accuracy.value) for quarter in quarters] == [(0, 0.0), (1, 1.0), (2, 1.0), (3, 1.0)]


def test_quarters_by_the_margin_of_scores() -> None:
    scores = by_length(ITEMS)
    quarters = accuracy_by_quarter(ITEMS, scores, score_margin(scores))
    # differences 7, 3, 1, 0, 0, 1, 3, 7; equal scores are wrong
    assert [(quarter.low, quarter.high, quarter.accuracy.value) for quarter in quarters] == [
        (0, 0, 0.0), (1, 1, 0.5), (3, 3, 0.5), (7, 7, 0.5),
    ]  # fmt: skip


def test_no_pair_has_no_quarter() -> None:
    assert accuracy_by_quarter([], {}, length_ratio) == ()


@settings(deadline=None)
@given(any_scores(ITEMS), st.permutations(ITEMS))
def test_quarters_split_all_pairs_in_any_order(scores: dict[str, float], shuffled: list[Item]) -> None:
    quarters = accuracy_by_quarter(ITEMS, scores, length_ratio)
    assert quarters == accuracy_by_quarter(shuffled, scores, length_ratio)
    assert sum(quarter.accuracy.rows for quarter in quarters) == len(ITEMS)


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    quarters = accuracy_by_quarter(ITEMS, scorer(ITEMS), length_ratio, seed=7)
    assert {quarter.accuracy.value for quarter in quarters} == {expected}
    assert quarters[0].as_dict()["accuracy"]["interval"]["groups"] == 2


def test_accuracy_by_category_by_hand() -> None:
    items = [pair("1", category="law"), pair("2", category="law"), pair("3", category="tax")]
    found = accuracy_by_category(items, perfect(items) | inverted(items[:1]))
    assert {name: (figure.value, figure.rows) for name, figure in found.items()} == {"law": (0.5, 2), "tax": (1.0, 1)}
