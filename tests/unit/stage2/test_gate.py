from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.stage2.gate import by_label, gate, judges_are_asked, opinion

OPINIONS = ("agrees", "rejects", "unsure", "unscored", "missing")
JUDGES = ("agree", "oppose", "none", None)
TABLE = {
    ("agrees", "agrees", None): ("keep", "both_agree"),
    ("agrees", "rejects", "agree"): ("keep", "gold_and_judges_agree"),
    ("agrees", "rejects", "oppose"): ("drop", "judges_against"),
    ("agrees", "rejects", "none"): ("drop", "no_verdict"),
    ("agrees", "rejects", None): ("drop", "split"),
    ("agrees", "unsure", "agree"): ("keep", "gold_and_judges_agree"),
    ("agrees", "unsure", "oppose"): ("drop", "judges_against"),
    ("agrees", "unsure", "none"): ("drop", "no_verdict"),
    ("agrees", "unsure", None): ("drop", "unsure"),
    ("rejects", "agrees", None): ("drop", "split"),
    ("rejects", "rejects", None): ("flip", "both_reject"),
    ("rejects", "unsure", None): ("drop", "unsure"),
    ("unsure", "agrees", None): ("drop", "unsure"),
    ("unsure", "rejects", None): ("drop", "unsure"),
    ("unsure", "unsure", None): ("drop", "unsure"),
    ("agrees", "unscored", None): ("drop", "unscored"),
    ("unscored", "rejects", None): ("drop", "unscored"),
    ("unscored", "unscored", None): ("drop", "unscored"),
    ("missing", "agrees", None): ("drop", "missing"),
    ("unscored", "missing", None): ("drop", "missing"),
}


@pytest.mark.parametrize(("case", "expected"), TABLE.items())
def test_the_truth_table(case: tuple[str, str, str | None], expected: tuple[str, str]) -> None:
    assert gate(*case) == expected


@pytest.mark.parametrize(("gold", "best", "judges"), list(itertools.product(OPINIONS, OPINIONS, JUDGES)))
def test_keep_iff_gold_agrees_and_best_or_the_judges_do(gold: str, best: str, judges: str | None) -> None:
    kept = gate(gold, best, judges).decision == "keep"
    scored = not {"unscored", "missing"} & {gold, best}
    assert kept == (scored and gold == "agrees" and (best == "agrees" or judges == "agree"))


@pytest.mark.parametrize(("gold", "best"), list(itertools.product(OPINIONS, OPINIONS)))
def test_judges_are_asked_exactly_where_they_can_change_the_decision(gold: str, best: str) -> None:
    decisions = {gate(gold, best, judges).decision for judges in ("agree", "oppose", "none")}
    assert judges_are_asked(gold, best) == (len(decisions) > 1)


@given(p=st.floats(0, 1), epsilon=st.floats(0, 0.49))
def test_swapping_the_label_swaps_the_opinion(p: float, epsilon: float) -> None:
    swapped = {"agrees": "rejects", "rejects": "agrees", "unsure": "unsure"}
    if abs(abs(p - 0.5) - epsilon) > 1e-9:  # on the edge of the band 1 - p rounds to either side
        assert opinion(1 - p, epsilon) == swapped[opinion(p, epsilon)]


def test_the_band_and_exactly_one_half_are_unsure() -> None:
    assert opinion(0.5, 0.0) == "unsure"
    assert opinion(0.54, 0.05) == "unsure"
    assert opinion(0.56, 0.05) == "agrees"
    assert opinion(0.44, 0.05) == "rejects"


def test_without_a_probability_a_refusal_is_told_from_what_is_missing() -> None:
    assert opinion(None, 0.0, refused=True) == "unscored"
    assert opinion(None, 0.0) == "missing"
    assert opinion(0.9, 0.0, refused=True) == "agrees"


@pytest.mark.parametrize(
    ("source", "label", "expected"),
    [
        ("a", "a", ("keep", "label_agrees")),
        ("a", "b", ("flip", "label_opposes")),
        ("tie", "b", ("flip", "new_label")),
        ("none", "a", ("flip", "new_label")),
        ("a", None, ("drop", "no_label")),
        ("none", None, ("drop", "no_label")),
    ],
)
def test_gold_train_and_silver_are_decided_by_their_label(
    source: str, label: str | None, expected: tuple[str, str]
) -> None:
    assert by_label(source, label) == expected
