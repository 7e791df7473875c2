"""Pairs in the shapes that ingest reads (docs/inputs.md), row by row: what `pairs.readers` refuses is refused here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple, TypeVar
from unicodedata import category

from synpref.benchmarks.rows import BadRowError, Messages, Row
from synpref.pairs.labels import FIRST, SECOND, preference
from synpref.pairs.reasons import REASONS
from synpref.pairs.shape_rules import (
    FIRST_CHARACTERS,
    FIRST_ROWS,
    LABELS,
    MATCHES,
    PROMPTS,
    SIDES,
    TOLD_BY,
    Kinds,
    kind_of,
    looks_like_transcript,
    transcript_turns,
)

_BETTER = {FIRST: 0, SECOND: 1}


class Pair(NamedTuple):
    """A prompt and two responses. better: place of the better one; None where the row says tie, or nothing."""

    messages: Messages
    texts: tuple[str, str]
    better: int | None = 0


Read = Callable[[Row], Pair]
Found = TypeVar("Found")


def reader(rows: Sequence[Row]) -> Read:
    """How the rows of a file are read, by what its first rows hold; as text where they are of no known shape.

    What it gives raises BadRowError with its reason (`pairs.reasons`) where a row is no comparison. Rows of text may
    hold equal and empty responses.
    """
    kinds = _kinds(rows[:FIRST_ROWS])
    shape = next((name for name, matches in MATCHES.items() if matches(kinds)), "text")
    read = _READERS.get(shape)
    return _text if read is None else lambda row: _checked(row, read(row, kinds))


def _kinds(rows: Sequence[Row]) -> Kinds:
    """Twin of `pairs.readers.kinds.sniff`."""
    names = [name for name in TOLD_BY if any(name in row.values for row in rows)]
    return {name: kind_of([_as_text(row.values.get(name)) for row in rows]) for name in names}


def _as_text(value: object) -> str | None:
    text = value if value is None or isinstance(value, str) else json.dumps(value, default=str)
    return text if text is None else text[:FIRST_CHARACTERS]


def _text(row: Row) -> Pair:
    return Pair(_prompt(row, row.conversation), (_said(row, "chosen"), _said(row, "rejected")))


def _json_prompt(row: Row, _: Kinds) -> Pair:
    return Pair(_prompt(row, row.messages, "prompt"), (_said(row, "chosen"), _said(row, "rejected")))


def _conversational(row: Row, _: Kinds) -> Pair:
    return Pair(_prompt(row, row.messages, "prompt"), (_answer(row, "chosen"), _answer(row, "rejected")))


def _implicit(row: Row, _: Kinds) -> Pair:
    chosen, rejected = _whole(row, "chosen"), _whole(row, "rejected")
    same = takewhile(lambda both: both[0] == both[1], zip(chosen, rejected, strict=False))
    shared = len(list(same))
    reason = _parting(chosen[:shared], chosen[shared:], rejected[shared:])
    if reason is not None:
        raise _refused(row, reason)
    return Pair(chosen[:shared], (chosen[-1]["content"], rejected[-1]["content"]))


def _labelled(row: Row, kinds: Kinds) -> Pair:
    label = _label(row, next(name for name in LABELS if name in kinds))
    messages = _prompt(row, row.messages if "messages" in map(kinds.get, PROMPTS) else row.conversation)
    first, second = (_answer(row, one) if kinds[one] == "messages" else _said(row, one) for one in SIDES)
    return Pair(messages, (first, second), _BETTER.get(label))


_READERS: Mapping[str, Callable[[Row, Kinds], Pair]] = {
    "json_prompt": _json_prompt,
    "conversational": _conversational,
    "implicit": _implicit,
    "labelled": _labelled,
}


def _label(row: Row, name: str) -> str:
    value = row.values.get(name)
    label = preference(None if value is None else str(value))
    if label is None:
        raise _refused(row, "unknown_label", f"column {name!r} is {value!r}: ")
    return label


def _prompt(row: Row, read: Callable[..., Messages], *names: str) -> Messages:
    return _or_refused(row, "prompt", read, *(names or PROMPTS))


def _said(row: Row, name: str) -> str:
    return _or_refused(row, "response", row.text, name)


def _or_refused(row: Row, part: str, read: Callable[..., Found], *names: str) -> Found:
    """What `read` finds in a column. Raises BadRowError with ingest's reason where there is nothing to use."""
    try:
        return read(*names)
    except BadRowError as error:
        absent = not row.has(*names) or any(row.values.get(name) in ([], "[]") for name in names)
        code = error.reason or (f"missing_{part}" if absent else f"unreadable_{part}")
        raise error.because(code) from None


def _answer(row: Row, name: str) -> str:
    """The text of a list of one assistant message."""
    told = row.values.get(name)
    if isinstance(told, list) and len(told) == 1 and _without_text(told[0]):
        raise _refused(row, "missing_response")
    messages = _or_refused(row, "response", row.messages, name)
    if len(messages) > 1:
        raise _refused(row, "multiple_final_messages")
    if messages[0]["role"] != "assistant":
        raise _refused(row, "final_not_assistant")
    return messages[0]["content"]


def _without_text(message: object) -> bool:
    return isinstance(message, dict) and message.get("content") is None and message.get("value") is None


def _whole(row: Row, name: str) -> Messages:
    """A conversation with its answer, as messages or as a transcript."""
    text = row.values.get(name)
    if not isinstance(text, str) or not looks_like_transcript(text):
        return _or_refused(row, "response", row.messages, name)
    roles = {"Human": "user", "Assistant": "assistant"}
    return tuple({"role": roles[speaker], "content": content} for speaker, content in transcript_turns(text))


def _parting(shared: Messages, one: Messages, other: Messages) -> str | None:
    """Twin of what `pairs.readers.implicit` says of two conversations that go on as `one` and `other`."""
    if not one or not other:
        answered = shared[-1]["role"] == "assistant"
        ends = "multiple_final_messages" if one or other else "identical_responses"
        return ends if answered else "missing_response"
    roles = one[0]["role"], other[0]["role"]
    if len(one) == len(other) == 1 and roles[0] == roles[1] != "assistant":
        return "final_not_assistant"
    if set(roles) != {"assistant"}:
        return "prompt_differs"
    return "multiple_final_messages" if len(one) > 1 or len(other) > 1 else None


def _checked(row: Row, pair: Pair) -> Pair:
    """The pair. Raises BadRowError as `pairs.structure` refuses."""
    if all(_blank(message["content"]) for message in pair.messages):
        raise _refused(row, "missing_prompt")
    if pair.messages[-1]["role"] == "assistant":
        raise _refused(row, "prompt_ends_with_assistant")
    if any(map(_blank, pair.texts)):
        raise _refused(row, "empty_response")
    if pair.texts[0] == pair.texts[1]:
        raise _refused(row, "identical_responses")
    return pair


def _blank(text: str) -> bool:
    """Twin of `pairs.structure.is_blank`: neither space, nor control, nor invisible format characters are ink."""
    return all(category(one)[0] == "Z" or category(one) in ("Cc", "Cf") for one in text)


def _refused(row: Row, reason: str, told: str = "") -> BadRowError:
    return row.error(f"{told}{REASONS[reason]} ({reason})", reason)
