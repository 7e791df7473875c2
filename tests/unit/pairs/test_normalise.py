from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.pairs.normalise import (
    normalise,
    normalised_comparison_id,
    normalised_prompt_id,
    normalised_response_id,
    prompt_group,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Hello,\tWORLD!\n", "hello world"),
        ("It\u2019s \u201cfine\u201d", "it s fine"),
        ("\ufb01ne \u2460 \uff21\uff22\uff23", "fine 1 abc"),
        ("e\u0301", "é"),
        ("zero\u200bwidth\u00ad", "zerowidth"),
        ("no\u00a0break", "no break"),
        ("a+b=c", "a+b=c"),
        ("**bold** `code`", "bold code"),
        ("\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u4f60\u597d \u4e16\u754c"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_folds_case_form_punctuation_and_space(text: str, folded: str) -> None:
    assert normalise(text) == folded


def test_texts_of_punctuation_alone_stay_apart() -> None:
    assert normalise("?") == "?"
    assert normalise("!!  !") == "!! !"


@given(TEXT)
@settings(max_examples=500)
def test_folding_again_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(TEXT)
def test_only_single_spaces_remain(text: str) -> None:
    folded = normalise(text)
    assert folded == " ".join(folded.split())


def test_normalised_ids_meet_where_only_the_form_differs() -> None:
    plain, loud = [{"role": "user", "content": "who?"}], [{"role": "user", "content": " WHO "}]
    assert normalised_prompt_id(plain) == normalised_prompt_id(loud)
    prompt = normalised_prompt_id(plain)
    assert normalised_response_id(prompt, "Me.") == normalised_response_id(prompt, "me")
    assert normalised_response_id(prompt, "me") != normalised_response_id(prompt, "you")
    assert normalised_comparison_id("x", "y") == normalised_comparison_id("y", "x")


def test_group_is_the_first_user_turn_whatever_surrounds_it() -> None:
    system, ask = {"role": "system", "content": "be nice"}, {"role": "user", "content": "Who?"}
    more = [ask, {"role": "assistant", "content": "Me"}, {"role": "user", "content": "why"}]
    assert prompt_group([ask]) == prompt_group([system, {"role": "user", "content": "who"}]) == prompt_group(more)
    assert prompt_group([ask]) != prompt_group([{"role": "user", "content": "why"}])
    assert prompt_group([system]) == prompt_group([{"role": "assistant", "content": "Be nice!"}])
