"""Noise strikes a seeded share of comparisons, the same ones every time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synpref.hygiene.noise import flip_label, is_flipped
from synpref.pairs.identity import hash128

IDS = [hash128("comparison", str(number)) for number in range(4000)]


def test_the_share_is_met_within_sampling_error() -> None:
    struck = sum(is_flipped(one, 0.3, seed=7) for one in IDS)
    assert abs(struck / len(IDS) - 0.3) < 0.03  # four standard errors


def test_no_share_strikes_nothing_and_the_whole_share_everything() -> None:
    assert not any(is_flipped(one, 0.0, seed=7) for one in IDS)
    assert all(is_flipped(one, 1.0, seed=7) for one in IDS)


def test_a_larger_share_strikes_all_that_a_smaller_one_does() -> None:
    small = {one for one in IDS if is_flipped(one, 0.1, seed=7)}
    assert small < {one for one in IDS if is_flipped(one, 0.4, seed=7)}


def test_another_seed_strikes_others() -> None:
    first = {one for one in IDS if is_flipped(one, 0.3, seed=1)}
    second = {one for one in IDS if is_flipped(one, 0.3, seed=2)}
    assert abs(len(first & second) / len(IDS) - 0.09) < 0.02


@given(label=st.sampled_from(["a", "b", "tie", "none"]), one=st.sampled_from(IDS), share=st.floats(0, 1))
def test_only_a_and_b_turn_and_turning_twice_restores(label: str, one: str, share: float) -> None:
    once = flip_label(label, one, share, seed=3)
    assert flip_label(once, one, share, seed=3) == label
    assert (once != label) == (label in {"a", "b"} and is_flipped(one, share, seed=3))
