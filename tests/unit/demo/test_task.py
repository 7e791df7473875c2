"""Quality orders answers, difficulty says how hard the order is to see."""

from __future__ import annotations

from itertools import permutations

import pytest

from synpref.demo.task import FLAWS, GOOD, Answer, ask, difficulty, quality


def test_no_two_flaws_are_equally_bad() -> None:
    assert len({flaw.quality for flaw in FLAWS.values()}) == len(FLAWS)


def test_a_faultless_answer_is_the_best() -> None:
    assert max(FLAWS, key=quality) == GOOD


@pytest.mark.parametrize(("better", "worse"), [(a, b) for a, b in permutations(FLAWS, 2) if quality(a) > quality(b)])
def test_difficulty_is_a_share(better: str, worse: str) -> None:
    assert 0 <= difficulty(better, worse) <= 1


def test_a_wrong_fact_is_harder_to_see_than_rudeness() -> None:
    assert difficulty(GOOD, "wrong") > 0.6
    assert difficulty(GOOD, "rude") < 0.3


def test_what_looks_better_but_is_worse_is_hardest() -> None:
    assert difficulty("truncated", "wrong") > difficulty(GOOD, "truncated")


def test_asking_makes_one_user_turn() -> None:
    task = ask("family", "Why?", ("Because.",), Answer("No.", "curt"))
    assert [message._asdict() for message in task.messages] == [{"role": "user", "content": "Why?"}]
    assert task.flawed == (Answer("No.", "curt"),)
