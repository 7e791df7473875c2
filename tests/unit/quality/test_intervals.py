"""Bootstrap intervals over groups."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.quality.intervals import bootstrap, difference_interval, mean_share_interval, share_interval

GROUPS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=2, max_size=30)


@settings(max_examples=30, deadline=None)
@given(groups=GROUPS)
def test_the_estimate_is_the_plain_share_and_lies_inside(groups: list[tuple[int, int]]) -> None:
    right, rows = [min(r, n) for r, n in groups], [n for _, n in groups]
    found = share_interval(right, rows, seed=1)
    assert found is not None
    assert found.estimate == pytest.approx(sum(right) / sum(rows))
    assert 0 <= found.low <= found.estimate + 1e-9
    assert found.estimate - 1e-9 <= found.high <= 1
    assert found.groups == len(groups)


def test_the_same_seed_gives_the_same_interval_and_another_a_close_one() -> None:
    right, rows = [float(n % 4) for n in range(50)], [4.0] * 50
    one, again, other = (share_interval(right, rows, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one is not None
    assert other is not None
    assert other.low == pytest.approx(one.low, abs=0.03)


def test_it_covers_a_known_share_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    covered = 0
    for trial in range(120):
        right = draw.binomial(10, 0.7, size=60).astype(float)
        found = share_interval(right.tolist(), [10.0] * 60, seed=trial)
        assert found is not None
        covered += found.low <= 0.7 <= found.high
    assert 105 <= covered <= 120


def test_pairs_of_one_group_do_not_narrow_it() -> None:
    alone = share_interval([1.0, 0.0] * 20, [1.0] * 40, seed=3)
    copied = share_interval([100.0, 0.0] * 20, [100.0] * 40, seed=3)
    assert alone == copied


def test_few_groups_are_said_to_be_few() -> None:
    few, enough = (share_interval([1.0, 0.0] * n, [1.0, 1.0] * n, seed=1) for n in (9, 10))
    assert few is not None
    assert enough is not None
    assert (few.few_groups, enough.few_groups) == (True, False)


def test_the_mean_of_seeds_weighs_each_seed_alike() -> None:
    found = mean_share_interval([[9.0, 9.0], [0.0, 0.0]], [[10.0, 10.0], [1.0, 1.0]], seed=1)
    assert found is not None
    assert found.estimate == pytest.approx(0.45)


def test_a_paired_difference_of_like_models_is_narrow_where_each_alone_is_wide() -> None:
    right = [float(10 * (n % 2)) for n in range(40)]
    better = [min(10.0, r + 1) for r in right]
    rows = [10.0] * 40
    difference = difference_interval(([better], [rows]), ([right], [rows]), seed=1)
    alone = share_interval(right, rows, seed=1)
    assert difference is not None
    assert alone is not None
    assert difference.estimate == pytest.approx(0.05)
    assert difference.high - difference.low < (alone.high - alone.low) / 4


def test_a_difference_may_average_unequal_numbers_of_seeds() -> None:
    rows = [4.0, 4.0]
    found = difference_interval(([[4.0, 4.0], [2.0, 2.0]], [rows, rows]), ([[1.0, 1.0]], [rows]), seed=1)
    assert found is not None
    assert found.estimate == pytest.approx(0.5)


def test_nothing_measured_gives_nothing() -> None:
    assert share_interval([], [], seed=1) is None
    assert share_interval([0.0], [0.0], seed=1) is None


def test_draws_without_any_row_are_left_out() -> None:
    found = share_interval([0.0, 1.0], [0.0, 1.0], seed=1)
    assert found is not None
    assert (found.estimate, found.low, found.high) == (1.0, 1.0, 1.0)


def test_any_statistic_of_totals_can_be_given_and_the_result_is_json() -> None:
    sums = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = bootstrap(sums, lambda totals: totals[:, 0] * 2, seed=1, resamples=50)
    assert found is not None
    assert json.loads(json.dumps(found.as_dict()))["estimate"] == 8.0
