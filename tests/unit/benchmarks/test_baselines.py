"""The baselines go through the functions that measure a model."""

from __future__ import annotations

import pytest

from synpref.benchmarks.baselines import BASELINES, by_chance, by_length, length_scores, random_scores
from synpref.benchmarks.items import Item, make_pair
from synpref.benchmarks.selection import Given, given
from synpref.settings_evaluate import BASELINES as NAMES
from tests.unit.benchmarks.conftest import listed, pairs, user

LONGER = [make_pair(f"l{n}", user(f"l{n}"), "a longer answer", "short", part="pairs") for n in range(30)]
SHORTER = [make_pair(f"s{n}", user(f"s{n}"), "short", "a longer answer", part="pairs") for n in range(10)]


def whole(name: str, items: list[Item]) -> Given:
    return Given(name, tuple(items), len(items))


def test_the_settings_keep_the_names_of_the_baselines_free() -> None:
    assert tuple(BASELINES) == NAMES


def test_the_longer_response_wins() -> None:
    found = by_length(whole("user_pairs", LONGER + SHORTER), 7)
    assert found.headline is not None
    assert found.headline.value == 0.75
    assert found.headline.interval is not None
    assert found.length is not None
    assert found.length.value == pytest.approx(1.0, abs=0.01)


def test_equal_lengths_are_not_told_apart() -> None:
    same = [make_pair("e", user("e"), "one", "two", part="pairs")]
    assert length_scores(same) == {each.response_id: 3.0 for each in same[0].candidates}
    found = by_length(whole("user_pairs", same), 7)
    assert (found.headline and found.headline.value, found.result.ties) == (0.0, 1)


def test_chance_is_half_of_pairs_and_a_quarter_of_best_of_four() -> None:
    found = by_chance(whole("user_pairs", LONGER + SHORTER), 7)
    assert found.headline is not None
    assert found.headline.value == pytest.approx(0.5, abs=0.08)  # 40 pairs ten times: two standard errors are 0.05
    fours = [listed(f"Math/{n}", [1, 0, 0, 0], "Math") for n in range(183)]
    subset = by_chance(whole("reward_bench_2", fours), 7).result.figures["subset/Math"]
    assert subset.value == pytest.approx(0.25, abs=0.04)
    assert subset.interval is None


def test_chance_hangs_on_the_seed_and_gives_each_response_one_score() -> None:
    items = pairs({"pairs": 5})
    assert random_scores(items, 7, 0) == random_scores(items[::-1], 7, 0)
    assert random_scores(items, 7, 0) != random_scores(items, 8, 0)
    assert random_scores(items, 7, 0) != random_scores(items, 7, 1)


def test_a_sample_of_chance_is_no_overall_figure() -> None:
    found = by_chance(given("user_pairs", LONGER + SHORTER, 10, 7), 7)
    assert (found.result.overall, found.held, found.result.items) == (None, 40, 10)
    assert found.headline is not None
