"""Accuracy of rewards on comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.errors import InputError
from synpref.reward.accuracy import accuracy, margins
from synpref.reward.rows import Comparisons

NAMES = ["u", "v", "w"]


def three() -> Comparisons:
    """u over v, v over w, u over w."""
    chosen, rejected, prompt = (np.array(column, dtype=np.int32) for column in ([0, 1, 0], [1, 2, 2], [0, 0, 0]))
    return Comparisons(NAMES, chosen, rejected, prompt, digest="")


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [((3, 2, 1), 1.0), ((1, 2, 3), 0.0), ((0, 0, 0), 0.5), ((2, 1, 1), 2.5 / 3), ((2, 3, 1), 2 / 3)],
)
def test_equal_rewards_count_half(rewards: tuple[float, ...], expected: float) -> None:
    assert accuracy(dict(zip(NAMES, rewards, strict=True)), three()) == pytest.approx(expected)


@given(st.lists(st.integers(-3, 3), min_size=3, max_size=3))
def test_an_inverted_scorer_has_the_rest(values: list[int]) -> None:
    rewards = dict(zip(NAMES, map(float, values), strict=True))
    inverted = {name: -value for name, value in rewards.items()}
    assert accuracy(rewards, three()) + accuracy(inverted, three()) == pytest.approx(1.0)


def test_margins_are_chosen_minus_rejected() -> None:
    assert margins({"u": 5.0, "v": 3.0, "w": 2.5}, three()).tolist() == [2.0, 0.5, 2.5]


def test_a_response_without_reward_is_named() -> None:
    with pytest.raises(InputError, match="response v "):
        margins({"u": 1.0, "w": 1.0}, three())
