from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.reward.preference import preference_probability

REWARD = st.floats(-1e6, 1e6)


@given(a=REWARD, b=REWARD)
def test_the_two_orders_add_up_to_one(a: float, b: float) -> None:
    assert preference_probability(a, b) + preference_probability(b, a) == pytest.approx(1.0)


@given(a=REWARD, b=REWARD, shift=st.floats(-1e3, 1e3))
def test_only_the_difference_counts(a: float, b: float, shift: float) -> None:
    assert preference_probability(a + shift, b + shift) == pytest.approx(preference_probability(a, b), abs=1e-6)


def test_known_values() -> None:
    assert preference_probability(0.0, 0.0) == 0.5
    assert preference_probability(2.0, 1.0) == pytest.approx(0.7310585786)
    assert preference_probability(-1e5, 1e5) == 0.0
