"""Normalised text and the second ids over it. They serve duplicates and leakage only, never identity."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from synpref.pairs.identity import comparison_id, hash128, prompt_id, response_id

_LAST_PUNCTUATION = 0x20000  # Unicode has no punctuation and, but for language tags, no format characters beyond


def _folding() -> dict[int, str | None]:
    table: dict[int, str | None] = {}
    for code in range(_LAST_PUNCTUATION):
        category = unicodedata.category(chr(code))
        if category.startswith("P") or category in {"Cc", "Sk"}:
            table[code] = " "
        elif category == "Cf":
            table[code] = None
    return table


_FOLDING = _folding()


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def normalise(text: str) -> str:
    """Fold case, Unicode form (NFKC), punctuation and white space; the result is stable under folding again.

    Runs of punctuation, controls and white space become one space, invisible format characters vanish; signs such as
    + < = stay, since they carry meaning in code and sums. A text of nothing but punctuation keeps it, so that "?" and
    "!" stay two texts.
    """
    lowered = _composed(_composed(text).lower())
    folded = " ".join(lowered.translate(_FOLDING).split())
    return _composed(folded) if folded else " ".join(lowered.split())


def normalised_prompt_id(messages: Sequence[Mapping[str, str]]) -> str:
    """Identify a conversation by its roles and normalised contents."""
    return prompt_id([{"role": message["role"], "content": normalise(message["content"])} for message in messages])


def normalised_response_id(normalised_prompt: str, text: str) -> str:
    """Identify an answer by its prompt's normalised id and its normalised text."""
    return response_id(normalised_prompt, normalise(text))


def normalised_comparison_id(normalised_response_1: str, normalised_response_2: str) -> str:
    """Identify the comparison of two normalised response ids, whichever comes first."""
    return comparison_id(normalised_response_1, normalised_response_2)


def prompt_group(messages: Sequence[Mapping[str, str]]) -> str:
    """Hash the normalised first user turn: prompts that begin alike stand on one side of a hold-out.

    A conversation without a user turn is grouped by its first message.
    """
    first = next((message for message in messages if message["role"] == "user"), messages[0])
    return hash128(normalise(first["content"]))
