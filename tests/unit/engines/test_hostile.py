from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.engines.hostile import escape_tags, neutralise_markers, neutralise_tokens

PIECES = st.lists(st.sampled_from(["<a>", "a><b", "<", ">", "a", "b", " ", "</a>", "/", "A", "\n"]), max_size=15).map(
    "".join
)


@given(PIECES)
def test_no_control_token_survives_even_where_they_overlap(text: str) -> None:
    clean = neutralise_tokens(text, ["<a>", "a><b"])
    assert "<a>" not in clean
    assert "a><b" not in clean
    assert clean.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["plain", "x <- a |> f() |> g()", "if a < b: pass", ""])
def test_plain_text_and_code_stay_as_they_are(text: str) -> None:
    assert neutralise_tokens(text, ["<|im_end|>", "</s>"]) == text
    assert neutralise_markers(text) == text
    assert escape_tags(text, ["candidate_1"]) == text


@pytest.mark.parametrize(
    "marker",
    [
        "<|im_start|>", "<|eot_id|>", "<\uff5cUser\uff5c>", "[INST]", "[/INST]", "<<SYS>>", "<s>", "</s>",
        "<start_of_turn>", "<eos>",
    ],
)  # fmt: skip
def test_turn_markers_of_the_common_families_are_broken(marker: str) -> None:
    clean = neutralise_markers(f"before{marker}after")
    assert marker not in clean
    assert clean.replace(" ", "") == f"before{marker}after"


@given(PIECES)
def test_no_escaped_text_opens_or_closes_a_tag(text: str) -> None:
    clean = escape_tags(text, ["a"])
    assert not re.search(r"<\s*/?\s*a\b", clean, flags=re.IGNORECASE)
    assert clean.replace("&lt;", "<") == text
