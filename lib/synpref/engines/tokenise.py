"""The one tokenisation of (conversation, response), for training, scoring and evaluation alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from synpref.engines.chat_template import ChatTemplate
from synpref.engines.transcript import Messages, transcript
from synpref.errors import InputError, RowError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Overlong: TypeAlias = Literal["truncate_left", "refuse"]


class Conversation(NamedTuple):
    """A prompt and one final answer to it."""

    messages: Messages
    response: str


class Encoded(NamedTuple):
    """Tokens of a conversation.

    truncated: tokens were cut. refused: longer than the maximum under the policy `refuse`; input_ids are then whole,
    and the caller must not run them. Or, without input_ids, of roles that the chat template refuses.
    """

    input_ids: list[int]
    token_type_ids: list[int] | None
    truncated: bool
    refused: bool = False


class _PairLayout(NamedTuple):
    """Special tokens that an encoder's tokenizer puts before, between and after two segments."""

    before: list[int]
    between: list[int]
    after: list[int]
    types: list[int] | None  # of: before, first segment, between, second segment, after


def gives_segments(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether `encode_conversations` tells the segment of each token (token_type_ids)."""
    return not tokenizer.chat_template and "token_type_ids" in tokenizer.model_input_names


def encode_conversations(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Conversation],
    max_tokens: int,
    overlong: Overlong,
    *,
    refuse_roles: bool = False,
) -> list[Encoded]:
    """Tokenise each conversation on its own: the result does not depend on its neighbours.

    With a chat template (paper.md §4): messages and answer through it, no system prompt added, no doubled beginning
    token, cut from the left where too long. Without: conversation and answer as two segments, the conversation cut
    from the left, the answer from the right only where it alone is too long. Control tokens in text stay text.
    Raises InputError where max_tokens leaves no room, or the tokenizer is not a fast one. RowError for a conversation
    with roles that the chat template refuses; with refuse_roles it is marked as refused instead.
    """
    if not conversations:
        return []
    if not tokenizer.is_fast:
        raise InputError(f"{tokenizer.name_or_path}: this tokenizer has no tokenizer.json; convert it to a fast one")
    if tokenizer.chat_template:
        return _encode_chat(tokenizer, conversations, max_tokens, overlong, refuse_roles)
    return _encode_pairs(tokenizer, conversations, max_tokens, overlong)


def _encode_chat(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Conversation],
    max_tokens: int,
    overlong: Overlong,
    refuse_roles: bool,
) -> list[Encoded]:
    template = ChatTemplate.of(tokenizer)
    texts = [_rendered(template, one, refuse_roles) for one in conversations]
    keep = 1 if template.bos else 0
    if max_tokens <= keep:
        raise InputError(f"max_tokens {max_tokens} leaves no room for text")
    taken = [text for text in texts if text is not None]
    ids = iter(plain_ids(tokenizer, taken, split_special=False) if taken else [])
    return [
        Encoded([], None, truncated=False, refused=True)
        if text is None
        else _cut_left(next(ids), keep, max_tokens, overlong)
        for text in texts
    ]


def _rendered(template: ChatTemplate, one: Conversation, refuse_roles: bool) -> str | None:
    """The conversation as text; None where the template refuses its roles, with refuse_roles."""
    try:
        return template.render([*one.messages, {"role": "assistant", "content": one.response}], open_answer=False)
    except RowError:
        if refuse_roles:
            return None
        raise


def _cut_left(ids: list[int], keep: int, max_tokens: int, overlong: Overlong) -> Encoded:
    if len(ids) <= max_tokens:
        return Encoded(ids, None, truncated=False)
    if overlong == "refuse":
        return Encoded(ids, None, truncated=False, refused=True)
    return Encoded(ids[:keep] + ids[len(ids) - max_tokens + keep :], None, truncated=True)


def _encode_pairs(
    tokenizer: PreTrainedTokenizerBase, conversations: Sequence[Conversation], max_tokens: int, overlong: Overlong
) -> list[Encoded]:
    layout = _pair_layout(tokenizer)
    room = max_tokens - len(layout.before) - len(layout.between) - len(layout.after)
    if room < 1:
        raise InputError(f"max_tokens {max_tokens} leaves no room for text beside the tokenizer's special tokens")
    texts = [transcript(messages) for messages, _ in conversations] + [response for _, response in conversations]
    ids = plain_ids(tokenizer, texts, split_special=True)
    middle = len(conversations)
    return [_join(layout, *pair, room, overlong) for pair in zip(ids[:middle], ids[middle:], strict=True)]


def _join(layout: _PairLayout, first: list[int], second: list[int], room: int, overlong: Overlong) -> Encoded:
    excess = len(first) + len(second) - room
    cut = excess > 0 and overlong == "truncate_left"
    if cut:
        first = first[min(excess, len(first)) :]
        second = second[:room]
    parts = (layout.before, first, layout.between, second, layout.after)
    ids = [token for part in parts for token in part]
    types = None
    if layout.types is not None:
        types = [kind for part, kind in zip(parts, layout.types, strict=True) for _ in part]
    return Encoded(ids, types, truncated=cut, refused=excess > 0 and not cut)


def _pair_layout(tokenizer: PreTrainedTokenizerBase) -> _PairLayout:
    """Read the layout off a probe, so that it is the tokenizer's own."""
    probe = tokenizer("a", "b", return_token_type_ids=True)
    ids, sides = probe["input_ids"], probe.sequence_ids()
    first, second = sides.index(0), sides.index(1)
    first_end, second_end = len(sides) - sides[::-1].index(0), len(sides) - sides[::-1].index(1)
    types = None
    if "token_type_ids" in tokenizer.model_input_names:
        kinds = probe["token_type_ids"]
        types = [kinds[0], kinds[first], kinds[first_end], kinds[second], kinds[-1]]
    return _PairLayout(ids[:first], ids[first_end:second], ids[second_end:], types)


def plain_ids(tokenizer: PreTrainedTokenizerBase, texts: list[str], *, split_special: bool) -> list[list[int]]:
    """Token ids of each text alone, nothing added or cut. split_special: control tokens in the text stay text."""
    encoded = tokenizer(
        texts,
        add_special_tokens=False,
        truncation=False,
        padding=False,
        split_special_tokens=split_special,
        return_attention_mask=False,
        verbose=False,  # the warning about a text above the model's maximum is ours to act on
    )
    return list(encoded["input_ids"])
