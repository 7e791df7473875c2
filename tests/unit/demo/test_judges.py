"""Simulated judges are as accurate and as biased as stated."""

from __future__ import annotations

from functools import cache

import pytest

from synpref.demo.judges import CHANGES, Judge, Question, p_first
from synpref.demo.pool import Pool

CAREFUL = Judge("simulated-careful", 0.92, 0.04)
QUICK = Judge("simulated-quick", 0.85, 0.08)
BIASED = Judge("simulated-biased", 0.62, 0.55)
JUDGES = pytest.mark.parametrize("judge", [CAREFUL, QUICK, BIASED], ids=lambda judge: judge.name)
Case = tuple[str, str, float]


def cases(made: Pool) -> list[Case]:
    return [(c.id, c.winner, c.difficulty) for c in made.pool if not c.tie()]


@cache  # most tests look at the same answers
def ask(judge: Judge, case: Case, order: str, sample: int = 0) -> str:
    first = p_first(judge, 1, Question(case[0], order, sample, case[1], case[2]))
    return order[0] if first > 0.5 else order[1]


@JUDGES
def test_agreement_in_both_orders_is_as_stated(made: Pool, judge: Judge) -> None:
    right = [ask(judge, case, "ab") == ask(judge, case, "ba") == case[1] for case in cases(made)]
    assert sum(right) / len(right) == pytest.approx((1 - judge.position_bias) * judge.accuracy, abs=0.035)


@JUDGES
def test_consistent_answers_are_right_at_the_stated_accuracy(made: Pool, judge: Judge) -> None:
    both = [(ask(judge, case, "ab"), ask(judge, case, "ba"), case[1]) for case in cases(made)]
    consistent = [(first, winner) for first, second, winner in both if first == second]
    assert sum(a == b for a, b in consistent) / len(consistent) == pytest.approx(judge.accuracy, abs=0.035)


@JUDGES
def test_position_flips_are_as_stated(made: Pool, judge: Judge) -> None:
    flips = [ask(judge, case, "ab") != ask(judge, case, "ba") for case in cases(made)]
    assert sum(flips) / len(flips) == pytest.approx(judge.position_bias, abs=0.03)


def test_a_flipping_judge_takes_what_stands_first(made: Pool) -> None:
    both = [(ask(BIASED, case, "ab"), ask(BIASED, case, "ba")) for case in cases(made)]
    assert {pair for pair in both if pair[0] != pair[1]} == {("a", "b")}


def test_hard_items_are_got_wrong_more_often(made: Pool) -> None:
    wrong = [(ask(QUICK, case, "ab") != case[1], case[2]) for case in cases(made)]
    hard = [error for error, difficulty in wrong if difficulty > 0.7]
    easy = [error for error, difficulty in wrong if difficulty < 0.3]
    assert sum(hard) / len(hard) > 1.5 * sum(easy) / len(easy)


def test_two_judges_err_apart_but_on_the_same_hard_items(made: Pool) -> None:
    errors = [(ask(CAREFUL, case, "ab") != case[1], ask(QUICK, case, "ab") != case[1]) for case in cases(made)]
    one, two = (sum(pair[side] for pair in errors) / len(errors) for side in (0, 1))
    both = sum(all(pair) for pair in errors) / len(errors)
    assert one * two < both < min(one, two)


def test_further_samples_mostly_repeat_the_first(made: Pool) -> None:
    changed = [ask(BIASED, case, "ab") != ask(BIASED, case, "ab", sample=1) for case in cases(made)]
    assert 0.02 < sum(changed) / len(changed) < CHANGES


def test_a_sample_is_as_accurate_as_the_first(made: Pool) -> None:
    right = [ask(QUICK, case, "ab", sample=2) == ask(QUICK, case, "ba", sample=2) == case[1] for case in cases(made)]
    assert sum(right) / len(right) == pytest.approx((1 - QUICK.position_bias) * QUICK.accuracy, abs=0.035)


def test_the_answer_depends_on_seed_and_judge(made: Pool) -> None:
    def answers(judge: Judge, seed: int) -> list[bool]:
        questions = [Question(name, "ab", 0, winner, difficulty) for name, winner, difficulty in cases(made)[:400]]
        return [p_first(judge, seed, question) > 0.5 for question in questions]

    assert answers(QUICK, 1) == answers(QUICK, 1)
    assert answers(QUICK, 1) != answers(QUICK, 2)
    assert answers(QUICK, 1) != answers(QUICK._replace(name="simulated-other"), 1)


def test_probabilities_are_sure_enough_to_be_read(made: Pool) -> None:
    for case in cases(made)[:300]:
        first = p_first(CAREFUL, 1, Question(case[0], "ab", 0, case[1], case[2]))
        assert 0.55 < max(first, 1 - first) < 1


def test_equally_good_responses_get_no_preference_from_a_judge_without_fault() -> None:
    perfect = Judge("simulated-perfect", 1.0, 0.0)
    for order in ("ab", "ba"):
        assert p_first(perfect, 1, Question("c", order, 0, "tie", 1.0)) == 0.5
        assert p_first(perfect, 1, Question("c", order, 0, None, None)) == 0.5
