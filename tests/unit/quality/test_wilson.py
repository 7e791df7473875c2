"""Wilson's bounds of a share."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.quality.wilson import wilson_bounds, wilson_lower

TRIALS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_known_values() -> None:
    # solutions of (x - s)^2 = z^2 x (1 - x) / n, worked out by hand
    assert wilson_bounds(50, 100, 1.96) == pytest.approx((0.40383, 0.59617), abs=1e-5)
    assert wilson_bounds(10, 10, 1.96) == pytest.approx((0.72246, 1.0), abs=1e-5)
    assert wilson_bounds(0, 10, 1.96) == pytest.approx((0.0, 0.27754), abs=1e-5)


@given(trials=TRIALS, z=st.floats(0.1, 4))
def test_bounds_solve_the_score_equation(trials: tuple[int, int], z: float) -> None:
    successes, n = trials
    for bound in wilson_bounds(successes, n, z):
        assert abs(abs(bound - successes / n) - z * sqrt(bound * (1 - bound) / n)) < 1e-6


@given(trials=TRIALS, z=st.floats(0, 4))
def test_bounds_hold_the_share_and_mirror_each_other(trials: tuple[int, int], z: float) -> None:
    successes, n = trials
    low, high = wilson_bounds(successes, n, z)
    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1
    mirrored = wilson_bounds(n - successes, n, z)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-9)


@given(trials=TRIALS)
def test_more_successes_never_lower_the_bound(trials: tuple[int, int]) -> None:
    successes, n = trials
    assert wilson_lower(successes, n, 1.96) <= wilson_lower(min(successes + 1, n), n, 1.96)


def test_without_trials_everything_is_possible() -> None:
    assert wilson_bounds(0, 0, 1.96) == (0, 1)


@pytest.mark.parametrize(("successes", "n", "z"), [(3, 2, 1.96), (-1, 2, 1.96), (1, 2, -1.0)])
def test_what_is_no_share_is_refused(successes: int, n: int, z: float) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson_bounds(successes, n, z)
