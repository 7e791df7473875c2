"""By what a shape of preference data is told: which columns hold text, conversations, transcripts. Plain Python."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

Kind = Literal["text", "messages", "transcript"]
Kinds = Mapping[str, Kind]

FIRST_ROWS = 100  # enough to outvote a few broken rows; they come to the driver, each value cut off
FIRST_CHARACTERS = 20_000
SIDES = ("response_a", "response_b")
LABELS = ("label", "gold", "winner")
PROMPTS = ("prompt", "question")
TOLD_BY = (*PROMPTS, "chosen", "rejected", *SIDES, *LABELS)

# Regular expressions that mean the same to Java and, with re.ASCII, to Python
TURN = r"\n\n(?=(?:Human|Assistant):)"
SPEAKER = r"^(Human|Assistant): ?"
START = r"^\s*Human:"
BLANK = r"^\s+"
_BEGINS = re.compile(r"\[\s*\{")
_HAS_ROLE = re.compile(r'"(?:role|from)"\s*:')
_CONVERSATIONS = ("messages", "transcript")


def looks_like_messages(text: str) -> bool:
    """Tell whether a text is, or if cut off begins like, a JSON list of messages."""
    stripped = text.lstrip()
    if not _BEGINS.match(stripped):
        return False
    try:
        first = json.loads(stripped)[0]
    except ValueError:
        return len(text) >= FIRST_CHARACTERS and bool(_HAS_ROLE.search(stripped))
    return bool({"role", "from"} & first.keys())


def looks_like_transcript(text: str) -> bool:
    """Tell whether a text begins as a transcript does."""
    return re.match(START, text, flags=re.ASCII) is not None


def transcript_turns(text: str) -> list[tuple[str, str]]:
    """Twin of `readers.transcript.transcript_messages`: (speaker, content) of each turn."""
    turns = re.split(TURN, "\n\n" + re.sub(BLANK, "", text, flags=re.ASCII))
    return [_spoken(turn) for turn in turns if turn]


def _spoken(turn: str) -> tuple[str, str]:
    speaker = re.match(SPEAKER, turn)
    return (speaker.group(1), turn[speaker.end() :]) if speaker else ("", turn)


def kind_of(values: Sequence[str | None]) -> Kind:
    """The kind that most values of a column have; text where there is none."""
    told = [value for value in values if value is not None]
    if 2 * sum(map(looks_like_messages, told)) > len(told):
        return "messages"
    return "transcript" if 2 * sum(map(looks_like_transcript, told)) > len(told) else "text"


def _conversational(kinds: Kinds) -> bool:
    return all(kinds.get(name) == "messages" for name in ("prompt", "chosen", "rejected"))


def _json_prompt(kinds: Kinds) -> bool:
    return kinds.get("prompt") == "messages" and kinds.get("chosen") == "text" and kinds.get("rejected") == "text"


def _implicit(kinds: Kinds) -> bool:
    both = (kinds.get("chosen") in _CONVERSATIONS) and (kinds.get("rejected") in _CONVERSATIONS)
    return both and kinds.get("prompt") != "messages"


def _text(kinds: Kinds) -> bool:
    prompt = kinds.get("prompt", kinds.get("question"))
    return prompt == "text" and kinds.get("chosen") == "text" and kinds.get("rejected") == "text"


def _labelled(kinds: Kinds) -> bool:
    prompt = set(PROMPTS) & kinds.keys()
    return bool(prompt and set(LABELS) & kinds.keys()) and all(
        kinds.get(name) in {"text", "messages"} for name in SIDES
    )


# By shape, whether columns of these kinds are it; the first that is counts.
MATCHES: Mapping[str, Callable[[Kinds], bool]] = {
    "conversational": _conversational,
    "json_prompt": _json_prompt,
    "implicit": _implicit,
    "text": _text,
    "labelled": _labelled,
}
