"""Correlations of scores with length, and of benchmarks with each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from synpref.benchmarks.correlations import Correlation, benchmark_correlations, length_correlation
from synpref.benchmarks.items import Item, make_pair
from tests.unit.benchmarks.conftest import any_scores, user


def sized(name: str, chosen: int, rejected: int, prompt: str = "") -> Item:
    return make_pair(name, user(prompt or name), "a" * chosen, "b" * rejected, part="pairs")


ITEMS = [sized("1", 4, 1), sized("2", 1, 16), sized("3", 2, 8)]


def lengths(items: list[Item], sign: float = 1.0) -> dict[str, float]:
    """The log length itself, but for an offset that each prompt has of its own."""
    scores = {}
    for offset, item in enumerate(items):
        for each in item.candidates:
            scores[each.name] = 100.0 * offset + sign * (len(each.text).bit_length() - 1)
    return scores


def test_a_score_of_length_correlates_fully_whatever_is_right() -> None:
    found = length_correlation(ITEMS, lengths(ITEMS))
    assert found is not None
    assert found.value == pytest.approx(1.0)
    assert (found.rows, found.prompts) == (6, 3)
    reverse = length_correlation(ITEMS, lengths(ITEMS, -1.0))
    assert reverse is not None
    assert reverse.value == pytest.approx(-1.0)


def test_the_correlation_by_hand() -> None:
    # log2 lengths 2 and 0, 0 and 4: centred 1, -1 and -2, 2; scores centred 1, -1 and 1, -1
    items = ITEMS[:2]
    found = length_correlation(items, {"1/chosen": 2, "1/rejected": 0, "2/chosen": 2, "2/rejected": 0})
    assert found is not None
    assert found.value == pytest.approx((2 - 4) / (10 * 4) ** 0.5)


def test_a_response_counts_once() -> None:
    items = [sized("1", 4, 1, "same"), sized("2", 4, 2, "same")]
    found = length_correlation(items, lengths(items) | {"2/chosen": 2.0, "2/rejected": 1.0})
    assert found is not None
    assert (found.rows, found.prompts) == (3, 1)


def test_what_does_not_vary_has_no_correlation() -> None:
    assert length_correlation(ITEMS, {each.name: 1.0 for item in ITEMS for each in item.candidates}) is None
    same = [sized("1", 3, 3)]
    assert length_correlation(same, {"1/chosen": 1.0, "1/rejected": 0.0}) is None
    assert length_correlation([], {}) is None


def test_the_interval_resamples_prompts() -> None:
    items = [sized(str(number), 2 + number, 1) for number in range(30)]
    scores = {each.name: float(each.name.endswith("chosen") == (place % 3 > 0)) for place, item in enumerate(items)
              for each in item.candidates}  # fmt: skip
    found = length_correlation(items, scores, seed=7)
    assert found is not None
    assert found.interval is not None
    assert found.interval.low < found.value < found.interval.high


@settings(deadline=None)
@given(any_scores(ITEMS))
def test_an_inverted_scorer_has_the_opposite_correlation(scores: dict[str, float]) -> None:
    own = length_correlation(ITEMS, scores)
    other = length_correlation(ITEMS, {name: -score for name, score in scores.items()})
    assert (own is None) == (other is None)
    if own is not None and other is not None:
        assert own.value == pytest.approx(-other.value)
        assert -1 - 1e-9 <= own.value <= 1 + 1e-9


def test_benchmarks_correlate_over_the_models_that_have_both() -> None:
    models = {
        "a": {"x": 0.1, "y": 0.2, "z": 0.5}, "b": {"x": 0.2, "y": 0.4, "z": 0.5}, "c": {"x": 0.3, "y": 0.6, "z": 0.5},
        "d": {"x": 0.9},
    }  # fmt: skip
    found = benchmark_correlations(models)
    assert set(found) == {("x", "y"), ("x", "z"), ("y", "z")}
    assert found["x", "y"] == pytest.approx(Correlation(1.0, 3))
    # z is the same for all
    assert found["x", "z"] is None


def test_the_correlation_of_benchmarks_by_hand() -> None:
    points = {"a": (1.0, 2.0), "b": (2.0, 1.0), "c": (3.0, 3.0)}
    found = benchmark_correlations({name: {"x": x, "y": y} for name, (x, y) in points.items()})
    assert found["x", "y"] == pytest.approx(Correlation(0.5, 3))


def test_two_models_are_too_few() -> None:
    assert benchmark_correlations({"a": {"x": 0.1, "y": 0.2}, "b": {"x": 0.2, "y": 0.1}}) == {("x", "y"): None}
