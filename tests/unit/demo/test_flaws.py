"""General flaws spoil an answer in the way that they are named for."""

from __future__ import annotations

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.demo.draw import Draw
from synpref.demo.flaws import generic_flaws

GOOD = "The capital of Norway is Oslo, by the sea."


def flawed(key: int, good: str = GOOD) -> dict[str, str]:
    return {answer.flaw: answer.text for answer in generic_flaws(Draw("flaws", key), good)}


def test_padding_keeps_the_answer_and_adds_to_it() -> None:
    padded = [texts["padded"] for texts in map(flawed, range(200)) if "padded" in texts]
    assert len(padded) > 80
    assert all(GOOD in text and len(text) > len(GOOD) + 20 for text in padded)


@given(st.integers())
def test_a_cut_answer_is_a_beginning_that_does_not_end(key: int) -> None:
    cut = flawed(key)["truncated"]
    assert GOOD.startswith(cut)
    assert len(cut.split()) <= len(GOOD.split()) - 2
    assert cut[-1] not in ".?!"


def test_a_short_answer_cannot_be_cut() -> None:
    assert "truncated" not in flawed(1, "It is Oslo.")


@given(st.integers())
def test_evasive_and_off_topic_answers_do_not_hold_the_answer(key: int) -> None:
    texts = flawed(key)
    assert "Oslo" not in texts["evasive"] + texts["off_topic"]


@pytest.mark.parametrize("flaw", ["evasive", "off_topic"])
def test_length_does_not_give_a_flaw_away(flaw: str) -> None:
    longer = mean(len(flawed(key)[flaw]) > len(GOOD) for key in range(300))
    assert 0.3 < longer < 0.55


def test_rudeness_comes_with_and_without_the_answer() -> None:
    share = mean(GOOD in flawed(key)["rude"] for key in range(300))
    assert 0.2 < share < 0.4
