"""Tokenisation for models without a chat template: two segments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synpref.engines.tokenise import Conversation, encode_conversations
from synpref.errors import InputError

ASK = [{"role": "user", "content": "what is the capital of france and where does it lie"}]
QUIET = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(max_size=40)


def test_the_layout_is_the_tokenizers_own_for_a_pair(encoder_tokenizer: Any) -> None:
    encoded = encode_conversations(encoder_tokenizer, [Conversation(ASK, "paris")], 64, "truncate_left")[0]
    own = encoder_tokenizer(ASK[0]["content"], "paris")
    assert encoded.input_ids == own["input_ids"]
    assert encoded.token_type_ids == own["token_type_ids"]
    assert not encoded.truncated


def test_the_conversation_loses_its_beginning_first(encoder_tokenizer: Any) -> None:
    encoded = encode_conversations(encoder_tokenizer, [Conversation(ASK, "paris on the seine")], 10, "truncate_left")[0]
    assert encoder_tokenizer.decode(encoded.input_ids) == "[CLS] does it lie [SEP] paris on the seine [SEP]"
    assert len(encoded.input_ids) == 10
    assert encoded.truncated


def test_a_response_too_long_alone_loses_its_end(encoder_tokenizer: Any) -> None:
    encoded = encode_conversations(encoder_tokenizer, [Conversation(ASK, "one two three four")], 6, "truncate_left")[0]
    assert encoder_tokenizer.decode(encoded.input_ids) == "[CLS] [SEP] one two three [SEP]"
    assert encoded.truncated


def test_refuse_marks_and_cuts_nothing(encoder_tokenizer: Any) -> None:
    encoded = encode_conversations(encoder_tokenizer, [Conversation(ASK, "paris")], 8, "refuse")[0]
    assert encoded.refused
    assert not encoded.truncated
    assert encoded.input_ids == encoder_tokenizer(ASK[0]["content"], "paris")["input_ids"]


@pytest.mark.parametrize("overlong", ["truncate_left", "refuse"])
def test_what_just_fits_is_neither_cut_nor_refused(encoder_tokenizer: Any, overlong: Any) -> None:
    fits = len(encoder_tokenizer(ASK[0]["content"], "paris")["input_ids"])
    encoded = encode_conversations(encoder_tokenizer, [Conversation(ASK, "paris")], fits, overlong)[0]
    assert (len(encoded.input_ids), encoded.truncated, encoded.refused) == (fits, False, False)


def test_several_turns_carry_their_roles(encoder_tokenizer: Any) -> None:
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "so"},
    ]
    encoded = encode_conversations(encoder_tokenizer, [Conversation(turns, "well")], 64, "truncate_left")[0]
    assert encoder_tokenizer.decode(encoded.input_ids) == "[CLS] user : hi assistant : yes user : so [SEP] well [SEP]"


@QUIET
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), st.integers(4, 30))
def test_each_conversation_is_tokenised_as_if_alone(
    encoder_tokenizer: Any, texts: list[tuple[str, str]], max_tokens: int
) -> None:
    conversations = [Conversation([{"role": "user", "content": ask}], answer) for ask, answer in texts]
    together = encode_conversations(encoder_tokenizer, conversations, max_tokens, "truncate_left")
    alone = [encode_conversations(encoder_tokenizer, [one], max_tokens, "truncate_left")[0] for one in conversations]
    assert together == alone
    assert all(len(item.input_ids) <= max_tokens for item in together)
    assert all(len(item.input_ids) == len(item.token_type_ids or []) for item in together)


@QUIET
@given(st.lists(st.sampled_from(["[SEP]", "[CLS]", "[PAD]", "[MASK]", "a", " ", "[", "S"]), max_size=12).map("".join))
def test_control_tokens_in_text_stay_text(encoder_tokenizer: Any, hostile: str) -> None:
    conversation = Conversation([{"role": "user", "content": hostile}], hostile)
    ids = encode_conversations(encoder_tokenizer, [conversation], 256, "truncate_left")[0].input_ids
    control = set(encoder_tokenizer.all_special_ids) - {encoder_tokenizer.unk_token_id}
    assert [token for token in ids if token in control] == [
        encoder_tokenizer.cls_token_id, encoder_tokenizer.sep_token_id, encoder_tokenizer.sep_token_id,
    ]  # fmt: skip


def test_a_maximum_below_the_special_tokens_is_an_error(encoder_tokenizer: Any) -> None:
    with pytest.raises(InputError, match="max_tokens 3 leaves no room"):
        encode_conversations(encoder_tokenizer, [Conversation(ASK, "x")], 3, "truncate_left")


def test_no_conversations_give_no_tokens(encoder_tokenizer: Any) -> None:
    assert encode_conversations(encoder_tokenizer, [], 8, "truncate_left") == []
