from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synpref.quality.wilson import wilson_lower
from synpref.stage1.admission import AdmissionRule, admit

RULE = AdmissionRule(min_agreement=0.6, min_comparisons=100, z=1.96)


def test_a_good_judge_is_admitted_after_all_its_answers() -> None:
    decision = admit(right=90, asked=100, remaining=0, canaries_passed=True, rule=RULE)
    assert decision.admitted is True
    assert "90 of 100" in decision.reason


def test_a_judge_is_asked_on_while_it_can_still_pass() -> None:
    assert admit(right=25, asked=32, remaining=100, canaries_passed=True, rule=RULE).admitted is None


def test_a_judge_that_answers_by_position_is_refused_after_the_first_batch() -> None:
    decision = admit(right=0, asked=32, remaining=68, canaries_passed=True, rule=RULE)
    assert decision.admitted is False
    assert "were all 68 further answers right" in decision.reason


def test_failing_canaries_refuses_whatever_else_it_answers() -> None:
    decision = admit(right=100, asked=100, remaining=0, canaries_passed=False, rule=RULE)
    assert decision.admitted is False
    assert "canaries" in decision.reason


def test_too_little_gold_refuses_and_says_how_much_there_is() -> None:
    decision = admit(right=99, asked=99, remaining=0, canaries_passed=True, rule=RULE)
    assert decision.admitted is False
    assert "only 99" in decision.reason


@given(right=st.integers(0, 200), wrong=st.integers(0, 200), remaining=st.integers(0, 200))
def test_nobody_is_refused_early_who_could_have_been_admitted(right: int, wrong: int, remaining: int) -> None:
    asked = right + wrong
    decision = admit(right, asked, remaining, canaries_passed=True, rule=RULE)
    best = wilson_lower(right + remaining, asked + remaining, RULE.z) if asked + remaining else 0.0
    could = asked + remaining >= RULE.min_comparisons and best > RULE.min_agreement
    assert (decision.admitted is False) == (not could)
