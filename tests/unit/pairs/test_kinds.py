from __future__ import annotations

import json

import pytest

from synpref.pairs.shape_rules import FIRST_CHARACTERS, kind_of, looks_like_messages

CONVERSATION = json.dumps([{"content": "x", "role": "user"}])


@pytest.mark.parametrize("text", [CONVERSATION, " " + CONVERSATION, '[{"from": "human", "value": "x"}]'])
def test_lists_of_messages_are_recognised(text: str) -> None:
    assert looks_like_messages(text)


@pytest.mark.parametrize("text", ["", "hello", "[1, 2]", "[]", '[{"a": 1}]', '{"role": "user"}', "[{broken", "[x](y)"])
def test_other_texts_are_not(text: str) -> None:
    assert not looks_like_messages(text)


def test_a_list_that_was_cut_off_is_still_recognised() -> None:
    long = json.dumps([{"role": "user", "content": "x" * FIRST_CHARACTERS}])
    assert looks_like_messages(long[:FIRST_CHARACTERS])
    assert not looks_like_messages("[{" + "x" * FIRST_CHARACTERS)


def test_the_majority_decides_and_nulls_do_not_vote() -> None:
    assert kind_of([CONVERSATION, CONVERSATION, "broken", None, None, None]) == "messages"
    assert kind_of([CONVERSATION, "one", "two"]) == "text"
    assert kind_of(["\n\nHuman: hi\n\nAssistant: ho", "Human: hi", "x"]) == "transcript"
    assert kind_of([None, None]) == "text"
    assert kind_of([]) == "text"
