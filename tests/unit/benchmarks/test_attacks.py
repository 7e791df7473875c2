"""Attacks keep the worse answer's words, or put nothing of worth in their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.benchmarks.attacks import (
    ATTACKS,
    CONTROL,
    LEAST,
    WORDS,
    Vocabulary,
    control,
    gibberish,
    markdown,
    padding,
    repeated,
    vocabulary,
)

REPLACING = {"gibberish", "vocabulary", "empty"}
texts = st.text(max_size=200)


@given(texts)
def test_an_attack_hangs_on_the_text_alone(text: str) -> None:
    assert all(attack(text) == attack(text) for attack in ATTACKS.values())


@given(st.text(alphabet="abc .!?\n", max_size=80))
def test_the_words_stay_but_where_the_answer_is_replaced(text: str) -> None:
    for name, attack in ATTACKS.items():
        attacked = attack(text)
        if name not in REPLACING:
            words = attacked.replace("*", "").split()
            assert all(word in words for word in text.split()), name


@given(texts)
def test_padding_at_least_doubles_the_length(text: str) -> None:
    assert padding(text).startswith(text)
    assert len(padding(text)) >= max(2 * len(text), 1)


@given(texts)
def test_gibberish_has_about_the_length_and_none_of_the_words(text: str) -> None:
    made = gibberish(text)
    assert len(made) <= max(len(text), LEAST)
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz ")
    assert len(made) >= max(len(text), LEAST) / 2


def test_other_texts_become_other_gibberish() -> None:
    assert gibberish("one answer") != gibberish("another one")


@given(texts)
def test_random_tokens_are_words_of_the_vocabulary_of_about_the_length(text: str) -> None:
    made, whole = vocabulary(text), set(WORDS.text(range(WORDS.size)).split())
    assert max(len(text), LEAST) / 2 <= len(made) <= max(len(text), LEAST)
    assert set(made.split()[:-1]) <= whole  # the last may be cut


def test_random_tokens_may_be_of_another_vocabulary_and_are_others_for_another_answer() -> None:
    letters = Vocabulary(26, lambda numbers: "".join("abcdefghijklmnopqrstuvwxyz"[number] for number in numbers))
    made = vocabulary("one answer", letters)
    assert len(made) == LEAST // 4 + 1
    assert made.isalpha()
    assert len(set(made)) > 4
    assert made != vocabulary("another answer", letters)


def test_control_tokens_stand_behind_the_answer_as_text() -> None:
    assert control("No.").startswith("No.\n<|im_end|> ")
    assert all(token in control("No.") for token in CONTROL)


def test_repeated_text_stands_three_times() -> None:
    assert repeated("No.") == "No.\n\nNo.\n\nNo."


def test_markdown_makes_a_list_of_the_sentences() -> None:
    assert markdown("It is so. Or is it?\nNo") == "## Answer\n\n- **It** is so.\n- **Or** is it?\n- **No**"


@pytest.mark.parametrize("name", sorted(set(ATTACKS) - REPLACING))
def test_an_attack_changes_the_text(name: str) -> None:
    assert ATTACKS[name]("The answer is 7.") != "The answer is 7."


def test_empty_is_nothing() -> None:
    assert ATTACKS["empty"]("The answer is 7.") == ""
