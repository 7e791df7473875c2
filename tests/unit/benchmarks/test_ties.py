"""The Ties formula of RewardBench 2."""

from __future__ import annotations

from math import tanh

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks.figures import tabulate
from synpref.benchmarks.items import Item
from synpref.benchmarks.ties import TIES_WEIGHTS, is_tied, margin_term, margins, ties_credits, ties_key
from tests.unit.benchmarks.conftest import Scorer, any_scores, constant, inverted, listed, perfect

REFERENCE = listed("ref:1", [1, 0, 0])
TIED = listed("tied:1", [1, 1, 0, 0])
BOTH = [REFERENCE, TIED]


def scores(reference: list[float], tied: list[float]) -> dict[str, float]:
    values = zip([*REFERENCE.candidates, *TIED.candidates], [*reference, *tied], strict=True)
    return {candidate.name: value for candidate, value in values}


def total(items: list[Item], given: dict[str, float]) -> float | None:
    figure = tabulate(ties_credits(items, given), None).weighted(TIES_WEIGHTS)
    return None if figure is None else figure.value


@pytest.mark.parametrize(
    ("reference", "tied", "expected"),
    [
        # gap 3 of the reference; gap 2 and spread 1 of the tied: all right, margin tanh(2/1 - 1)
        ([4, 1, 0], [5, 4, 2, 0], 1.0 + 0.01 * tanh(1)),
        # the reference's gap of 0.5 is smaller than the spread: hard is lost
        ([1.5, 1, 0], [5, 4, 2, 0], 0.8 + 0.01 * tanh(-0.5)),
        # right answers further apart (3) than from the wrong ones (1)
        ([4, 1, 0], [5, 2, 1, 0], 0.6 + 0.01 * tanh(1 / 3 - 1)),
        # a wrong answer among the right ones: gap -1, spread 3
        ([4, 1, 0], [5, 2, 3, 0], 0.3 + 0.01 * tanh(-1 / 3 - 1)),
        # a wrong answer above the reference's right one: gap -1
        ([1, 2, 0], [5, 4, 2, 0], 0.3 + 0.2 + 0.01 * tanh(-2)),
    ],
)
def test_the_formula_by_hand(reference: list[float], tied: list[float], expected: float) -> None:
    assert total(BOTH, scores(reference, tied)) == pytest.approx(expected)


def test_the_mean_over_prompts_by_hand() -> None:
    items = [*BOTH, listed("ref:2", [1, 0]), listed("tied:2", [1, 1, 0])]
    given = scores([4, 1, 0], [5, 4, 2, 0]) | {"ref:2/0": 0, "ref:2/1": 1, "tied:2/0": 0, "tied:2/1": 0, "tied:2/2": 1}
    # the second prompt has nothing right; spread 0 and gap -1 give the margin -1
    assert total(items, given) == pytest.approx(0.5 + 0.01 * (tanh(1) - 1) / 2)


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.01), (inverted, -0.01), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    assert total(BOTH, scorer(BOTH)) == pytest.approx(expected)


@pytest.mark.parametrize(("gap", "spread", "expected"), [(2, 0, 1), (-2, 0, -1), (0, 0, 0), (3, 3, 0), (1e9, 1e-9, 1)])
def test_the_margin_without_spread_is_its_limit(gap: float, spread: float, expected: float) -> None:
    assert margin_term(gap, spread) == expected


def test_an_item_with_one_right_answer_has_no_spread() -> None:
    assert margins([2.0, 1.0, 0.0], REFERENCE) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("name", "key", "tied"),
    [
        ("ref:3", "3", False),
        ("tied:03", "3", True),
        ("Ties/tied:3", "3", True),
        ("3", None, False),
        ("x:3", None, False),
    ],
)
def test_what_an_id_says(name: str, key: str | None, tied: bool) -> None:
    assert (ties_key(name), is_tied(name)) == (key, tied)


def test_a_reference_alone_has_no_terms_that_compare() -> None:
    cells = [credit.cell for credit in ties_credits([REFERENCE], perfect([REFERENCE]))]
    assert cells == ["ties accurate reference"]
    assert total([REFERENCE], perfect([REFERENCE])) is None


@settings(deadline=None)
@given(any_scores(BOTH), st.sampled_from([0.5, 2.0, 8.0]), st.integers(-4, 4))
def test_scale_and_offset_of_scores_mean_nothing(given: dict[str, float], scale: float, offset: int) -> None:
    moved = {name: score * scale + offset for name, score in given.items()}
    assert total(BOTH, moved) == total(BOTH, given)


@settings(deadline=None)
@given(any_scores(BOTH))
def test_the_formula_stays_in_its_bounds(given: dict[str, float]) -> None:
    value = total(BOTH, given)
    assert value is not None
    assert -0.01 <= value <= 1.01


@settings(deadline=None)
@given(st.permutations(BOTH), any_scores(BOTH))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], given: dict[str, float]) -> None:
    assert total(shuffled, given) == total(BOTH, given)
