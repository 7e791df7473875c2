"""Words and n-grams as decontamination compares them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synpref.hygiene.ngrams import ngram_keys, words


def test_case_punctuation_white_space_and_unicode_form_do_not_matter() -> None:
    plain = "what s the caf\u00e9 no 2"
    assert words("  What's THE cafe\u0301\n(No. \u2461)?!") == plain.split()


def test_words_of_one_letter_and_underscores_stay() -> None:
    assert words("a _b x = y") == ["a", "_b", "x", "y"]


def test_scripts_without_spaces_give_long_words() -> None:
    assert words("今天天气怎么样\uff1f很好。") == ["今天天气怎么样", "很好"]


@given(st.text())
def test_joined_words_are_the_same_words(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


def test_a_text_has_one_ngram_for_each_start() -> None:
    assert ngram_keys(["a", "b", "c", "d"], 3) == ["a b c", "b c d"]
    assert ngram_keys(["a", "b", "c"], 3) == ["a b c"]


def test_a_text_shorter_than_n_is_one_key_and_an_empty_one_none() -> None:
    assert ngram_keys(["a", "b"], 3) == ["a b"]
    assert ngram_keys([], 3) == []


@given(st.lists(st.sampled_from("xyz")), st.lists(st.sampled_from("xyz")), st.integers(1, 5))
def test_keys_meet_exactly_where_an_ngram_or_a_short_whole_is_shared(one: list[str], two: list[str], n: int) -> None:
    grams = [{tuple(t[i : i + n]) for i in range(len(t) - n + 1)} for t in (one, two)]
    shared = bool(grams[0] & grams[1]) or (0 < len(one) < n and one == two)
    assert bool(set(ngram_keys(one, n)) & set(ngram_keys(two, n))) == shared
