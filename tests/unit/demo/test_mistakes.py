"""Errors share the item's difficulty and keep the stated mean."""

from __future__ import annotations

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.demo.mistakes import error_probability, other
from synpref.demo.pool import Pool
from synpref.demo.task import MEAN_DIFFICULTY

RATES = st.floats(0, 1)
HARDNESS = st.floats(0, 1)


@given(RATES, HARDNESS)
def test_it_is_a_probability(rate: float, difficulty: float) -> None:
    assert 0 <= error_probability(rate, difficulty) <= 1


@given(st.floats(0, 0.5), HARDNESS, HARDNESS)
def test_harder_items_err_no_less(rate: float, one: float, two: float) -> None:
    low, high = sorted((one, two))
    assert error_probability(rate, low) <= error_probability(rate, high) + 1e-12


@given(st.floats(0, 0.5), HARDNESS)
def test_nobody_does_worse_than_guessing(rate: float, difficulty: float) -> None:
    assert error_probability(rate, difficulty) <= 0.5 + 1e-9


@given(RATES)
def test_an_item_of_mean_or_unknown_difficulty_has_the_rate(rate: float) -> None:
    assert error_probability(rate, None) == rate
    assert error_probability(rate, MEAN_DIFFICULTY) == pytest.approx(rate)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.15, 0.38])
def test_the_mean_over_the_pool_is_the_stated_rate(made: Pool, rate: float) -> None:
    clear = [error_probability(rate, c.difficulty) for c in made.pool if not c.tie()]
    assert mean(clear) == pytest.approx(rate, abs=0.01)


def test_the_other_side() -> None:
    assert (other("a"), other("b")) == ("b", "a")
