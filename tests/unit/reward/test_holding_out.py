"""Which groups are held out of training data."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.errors import InputError
from synpref.reward.holding_out import chosen_groups

SIZES = st.dictionaries(st.text(min_size=1, max_size=4), st.integers(1, 50), min_size=2, max_size=30)


@settings(deadline=None)  # how long a case takes is the machine's, and it may be busy
@given(SIZES, st.floats(0.01, 0.9), st.integers(1, 200), st.integers(0, 5))
def test_some_are_held_out_never_all_and_never_too_much(
    sizes: dict[str, int], share: float, limit: int, seed: int
) -> None:
    taken = chosen_groups(sizes, share, limit, seed)
    assert taken < set(sizes)
    assert 1 <= len(taken) <= max(1, round(share * len(sizes)))
    held = sum(sizes[group] for group in taken)
    assert held <= limit or len(taken) == 1


@settings(deadline=None)  # how long a case takes is the machine's, and it may be busy
@given(SIZES, st.integers(0, 5))
def test_the_order_of_the_groups_does_not_matter(sizes: dict[str, int], seed: int) -> None:
    backwards = dict(reversed(sizes.items()))
    assert chosen_groups(sizes, 0.3, 1000, seed) == chosen_groups(backwards, 0.3, 1000, seed)


def test_a_share_of_the_groups_is_taken_and_another_seed_takes_others() -> None:
    sizes = {str(group): 10 for group in range(100)}
    first, second = (chosen_groups(sizes, 0.2, 10_000, seed) for seed in (1, 2))
    assert len(first) == len(second) == 20
    assert first != second


def test_one_group_alone_cannot_be_held_out() -> None:
    with pytest.raises(InputError, match=r"all pairs lie in one group \(only\).*train\.data\.validation_share=0"):
        chosen_groups({"only": 5}, 0.1, 100, 0)
