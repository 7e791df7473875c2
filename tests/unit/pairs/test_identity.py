from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.pairs.identity import comparison_id, hash128, orient, pair_id, prompt_id, response_id

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_hash_is_sha256_over_length_prefixed_utf8_cut_to_128_bits() -> None:
    expected = hashlib.sha256(b"2:\xc3\xa90:3:abc").hexdigest()[:32]
    assert hash128("é", "", "abc") == expected


@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4))
def test_different_parts_have_different_hashes_even_where_they_join_to_the_same_text(
    one: list[str], other: list[str]
) -> None:
    assert (hash128(*one) == hash128(*other)) == (one == other)


def test_parts_cannot_imitate_the_frame() -> None:
    assert hash128("1:a", "b") != hash128("a", "1:b")
    assert hash128("a1:b") != hash128("a", "b")


def test_lone_surrogates_are_refused_rather_than_folded_together() -> None:
    with pytest.raises(UnicodeEncodeError):
        hash128("\ud800")


def test_prompt_depends_on_roles_contents_and_order() -> None:
    ask, answer = {"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}
    ids = {prompt_id(m) for m in ([ask], [answer], [ask, answer], [answer, ask], [ask, ask])}
    assert len(ids) == 5
    assert prompt_id([ask]) == hash128("user", "x")


@given(TEXT, TEXT)
def test_a_comparison_has_no_direction_and_a_pair_has(one: str, other: str) -> None:
    first, second = response_id("p", one), response_id("p", other)
    assert comparison_id(first, second) == comparison_id(second, first)
    assert orient(first, second) == orient(second, first) == tuple(sorted((first, second)))
    assert (pair_id(first, second) == pair_id(second, first)) == (one == other)


def test_the_same_answer_to_another_prompt_is_another_response() -> None:
    assert response_id("p", "yes") != response_id("q", "yes")
