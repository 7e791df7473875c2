"""Which choice a text names, and how probable it was."""

from __future__ import annotations

import math

import pytest

from synpref.engines.choice import Said, first_share, said_in

CHOICES = ("1", "2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1", "first"),
        (" 2\n", "second"),
        ("**2**", "second"),
        ("1.", "first"),
        ('{"better": "2"}', "second"),
        ('{ "better" : 1 }', "first"),
        ('{"better": "2", "rea', "second"),
        ("Candidate 1", "nothing"),
        ("1 or 2", "nothing"),
        ("12", "nothing"),
        ("neither", "nothing"),
        ("", "nothing"),
    ],
)
def test_a_verdict_stands_first_and_alone(text: str, said: Said) -> None:
    assert said_in(text, CHOICES, rationale=False) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # a verdict, then a sentence that may name the other candidate
        ("1. Candidate 2 is wrong.", "first"),
        ("1: candidate 2 is wrong", "first"),
        ("2\nCandidate 1 is wrong, 2 is not.", "second"),
        ("2 - candidate 1 is wrong", "second"),
        ("**2.** Candidate 1 is wrong.", "second"),
        ('"1"', "first"),
        ("(1)", "first"),
        ("# 1\n\nIt beats 2.", "first"),
        ('{"better": "2", "reason": "1 is wrong"}', "second"),
        ('```json\n{"better": 1, "reason": "2 is wrong"}\n```', "first"),
        ('{"better": "1", "reason": "so"} {"better": "1", "reason": "so"}', "first"),
        # both are named alike
        ("1 and 2 are equal", "nothing"),
        ("1. and 2. are equal", "nothing"),
        ("1, 2 are equal", "nothing"),
        ("1 or 2", "nothing"),
        ("1/2", "nothing"),
        ("1-2", "nothing"),
        ("1 - 2", "nothing"),
        ("1 & 2", "nothing"),
        ("1 = 2", "nothing"),
        ("1 > 2", "nothing"),
        ("(1) and (2) are equal", "nothing"),
        ("1. 2.", "nothing"),
        ("1. Good.\n2. Good.", "nothing"),
        ("1: good, 2: bad", "nothing"),
        ('{"better": "1"} or {"better": "2"}', "nothing"),
        # a number, but no verdict by itself
        ("1 is worse", "nothing"),
        ("1 is better", "nothing"),
        ("1 because it is right", "nothing"),
        ("-1", "nothing"),
        ("1.5", "nothing"),
        ("12", "nothing"),
        ("1st", "nothing"),
        ("1% sure", "nothing"),
        ("not 1", "nothing"),
        ("Neither. 1", "nothing"),
        ('{"better": "1 or 2"}', "nothing"),
        ('{"better": "1, 2"}', "nothing"),
        ('{"better": 1.5}', "nothing"),
        ('{"better": "both", "reason": "1"}', "nothing"),
        ('1\n{"better": "neither"}', "nothing"),
    ],
)
def test_of_free_text_only_a_verdict_by_itself_counts(text: str, said: Said) -> None:
    assert said_in(text, CHOICES, rationale=True) == said
    if said == "nothing":
        assert math.isnan(first_share(text, [text], [[("1", -1.0), ("2", -1.0)]], CHOICES))


@pytest.mark.parametrize("text", ["2. Candidate 1 is wrong.", '{"better": "2", "reason": "\\"better\\": \\"1\\""}'])
def test_a_rationale_may_name_the_other_choice_behind_the_verdict(text: str) -> None:
    assert said_in(text, CHOICES, rationale=True) == "second"


def test_probabilities_are_those_of_both_choices_where_the_verdict_stands() -> None:
    tokens = ['{"', "better", '":"', "2", '"}']
    there = [("2", math.log(0.3)), ("1", math.log(0.1)), (" 1", math.log(0.1)), ("3", math.log(0.4))]
    elsewhere = [("1", math.log(0.9)), ("2", math.log(0.1))]
    places = [elsewhere, elsewhere, elsewhere, there, elsewhere]
    assert first_share("".join(tokens), tokens, places, CHOICES) == pytest.approx(0.4)


@pytest.mark.parametrize("there", [[("2", -0.1)], [], [("1", -0.1), ("2", -9999.0)], [("token_id:17", 0.0)]])
def test_a_probability_of_one_choice_alone_is_none(there: list[tuple[str, float]]) -> None:
    assert math.isnan(first_share("2", ["2"], [there], CHOICES))


def test_tokens_that_do_not_make_the_text_tell_nothing() -> None:
    assert math.isnan(first_share("  2", ["2"], [[("1", -1.0), ("2", -1.0)]], CHOICES))
    assert math.isnan(first_share("none", ["none"], [[("1", -1.0), ("2", -1.0)]], CHOICES))
