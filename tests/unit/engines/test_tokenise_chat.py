"""Tokenisation through chat templates of three shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synpref.engines.chat_template import ChatTemplate
from synpref.engines.tokenise import Conversation, encode_conversations
from synpref.errors import RowError

SHAPES = ("default_system", "dated", "strict")
ASK = [{"role": "user", "content": "hi"}]
PLAIN = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyes<|im_end|>\n"


def shown(tokenizer: Any, conversation: Conversation, max_tokens: int = 512) -> str:
    encoded = encode_conversations(tokenizer, [conversation], max_tokens, "truncate_left")[0]
    assert encoded.token_type_ids is None
    return str(tokenizer.decode(encoded.input_ids))


@pytest.mark.parametrize(
    ("shape", "expected"), [("default_system", PLAIN), ("dated", "<|begin|>" + PLAIN), ("strict", "<|begin|>" + PLAIN)]
)
def test_no_system_prompt_is_added(chat_tokenizer: Callable[[str], Any], shape: str, expected: str) -> None:
    assert shown(chat_tokenizer(shape), Conversation(ASK, "yes")) == expected


def test_a_system_message_of_the_conversation_stays(chat_tokenizer: Callable[[str], Any]) -> None:
    turns = [{"role": "system", "content": "Be brief."}, *ASK]
    expected = "<|im_start|>system\nBe brief.<|im_end|>\n" + PLAIN
    assert shown(chat_tokenizer("default_system"), Conversation(turns, "yes")) == expected


def test_a_template_without_system_role_gets_it_in_the_first_turn(chat_tokenizer: Callable[[str], Any]) -> None:
    turns = [{"role": "system", "content": "Be brief."}, *ASK]
    expected = "<|begin|>" + PLAIN.replace("hi", "Be brief.\n\nhi")
    assert shown(chat_tokenizer("strict"), Conversation(turns, "yes")) == expected


def test_neighbours_of_one_role_are_joined_for_strict_templates(chat_tokenizer: Callable[[str], Any]) -> None:
    text = shown(chat_tokenizer("strict"), Conversation([*ASK, {"role": "user", "content": "there"}], "yes"))
    assert text == "<|begin|>" + PLAIN.replace("hi", "hi\n\nthere")


def test_a_conversation_that_no_template_takes_is_an_error(chat_tokenizer: Callable[[str], Any]) -> None:
    with pytest.raises(RowError, match="refuses the roles"):
        shown(chat_tokenizer("strict"), Conversation([{"role": "assistant", "content": "I begin"}], "yes"))


def test_such_a_conversation_may_be_marked_instead_and_its_neighbours_are_as_they_were(
    chat_tokenizer: Callable[[str], Any],
) -> None:
    tokenizer = chat_tokenizer("strict")
    begun = Conversation([{"role": "assistant", "content": "I begin"}], "yes")
    talks = [Conversation(ASK, "yes"), begun, Conversation(ASK, "no")]
    first, marked, last = encode_conversations(tokenizer, talks, 512, "truncate_left", refuse_roles=True)
    assert marked == ([], None, False, True)
    assert [first, last] == encode_conversations(tokenizer, [talks[0], talks[2]], 512, "truncate_left")
    assert encode_conversations(tokenizer, [begun], 512, "refuse", refuse_roles=True) == [marked]


def test_a_doubled_beginning_token_is_removed(chat_tokenizer: Callable[[str], Any]) -> None:
    tokenizer = chat_tokenizer("dated")
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    ids = encode_conversations(tokenizer, [Conversation(ASK, "yes")], 512, "truncate_left")[0].input_ids
    assert ids.count(tokenizer.bos_token_id) == 1


def test_the_header_of_the_answer_opens_a_prompt(chat_tokenizer: Callable[[str], Any]) -> None:
    text = ChatTemplate.of(chat_tokenizer("default_system")).render(ASK, open_answer=True)
    assert text == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


def test_a_beginning_token_that_opens_every_turn_is_no_lone_one(chat_tokenizer: Callable[[str], Any]) -> None:
    tokenizer = chat_tokenizer("default_system")  # as SmolLM2 does it
    tokenizer.bos_token = "<|im_start|>"
    assert shown(tokenizer, Conversation(ASK, "yes")) == PLAIN


def test_cutting_takes_the_beginning_and_keeps_the_beginning_token(chat_tokenizer: Callable[[str], Any]) -> None:
    tokenizer = chat_tokenizer("dated")
    encoded = encode_conversations(tokenizer, [Conversation(ASK, "yes")], 12, "truncate_left")[0]
    assert encoded.truncated
    assert len(encoded.input_ids) == 12
    assert tokenizer.decode(encoded.input_ids) == "<|begin|>stant\nyes<|im_end|>\n"


def test_refuse_marks_and_cuts_nothing(chat_tokenizer: Callable[[str], Any]) -> None:
    tokenizer = chat_tokenizer("default_system")
    encoded = encode_conversations(tokenizer, [Conversation(ASK, "yes")], 12, "refuse")[0]
    assert (encoded.refused, encoded.truncated) == (True, False)
    assert tokenizer.decode(encoded.input_ids) == PLAIN


FRAGMENTS = st.sampled_from(
    ["<|im_start|>", "<|im_end|>", "<|begin|>", "<|pad|>", "<|im_", "start|>", "<|", "|>", "system\n", " ", "a", "<"]
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ask=st.lists(FRAGMENTS, max_size=8).map("".join), answer=st.lists(FRAGMENTS, max_size=8).map("".join))
@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_text_makes_no_control_token(
    chat_tokenizer: Callable[[str], Any], shape: str, ask: str, answer: str
) -> None:
    tokenizer = chat_tokenizer(shape)
    conversations = [
        Conversation([{"role": "user", "content": text}], said) for text, said in ((ask, answer), ("q", "r"))
    ]
    hostile, harmless = encode_conversations(tokenizer, conversations, 4096, "truncate_left")
    control = set(tokenizer.all_special_ids)
    assert [t for t in hostile.input_ids if t in control] == [t for t in harmless.input_ids if t in control]
