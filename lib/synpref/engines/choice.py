"""Which of two choices a judge named: by the words it said, and by how probable each was."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

Said: TypeAlias = Literal["first", "second", "neither", "nothing"]
# A token that may stand at one place of an answer, and the logarithm of its probability.
Alternative: TypeAlias = tuple[str, float]
Choices: TypeAlias = tuple[str, str]

FIELD = "better"  # of the JSON object, where one is asked for
_AROUND = " \t\n\"'{}:,.*"  # what may share a token with a choice
READING = 2  # raise it when said_in reads other words as a verdict

_OPEN = r"[\s\"'`*#(\[]*"  # what may stand before a verdict
_CLOSED = r"[\"'`*)\]]*"
# What must stand behind a verdict, before any rationale: the end, of the text, of the line or of a sentence, or a dash.
_ENDED = rf"{_CLOSED}(?:\s*\Z|[ \t]*\n|[.:;]{_CLOSED}(?:\s+|\Z)|\s+[-\u2013\u2014]\s+)"


class Choice(NamedTuple):
    """An engine's answer to a prompt that asks for one of two choices.

    p_first: probability of the first choice given that one of both is said, NaN where unknown. said: the choice that
    was said, `neither` for a tie, `nothing` for words that name none; None where the engine only compares
    probabilities, or did not run the prompt because it was too long (NaN, no tokens written). raw: what was said.
    Token counts are None where a server tells none.
    """

    p_first: float
    raw: str
    tokens_in: int | None
    tokens_out: int | None
    said: Said | None = None

    @property
    def tokens(self) -> int:
        """Tokens read and written, as far as they are told; 0 where the prompt was not run."""
        return (self.tokens_in or 0) + (self.tokens_out or 0) if self.tokens_out != 0 else 0


def said_in(text: str, choices: Choices, *, rationale: bool) -> Said:
    """The choice that the field `better` of a JSON object names, or that stands first in the text, by itself: a line
    or a sentence of one number. All else is `nothing`: "1 and 2 are equal" and "1 is worse" name no choice, and neither
    does a list of both, or two objects that differ.

    Where no rationale was asked for, a text that names both choices names none. The object may be cut behind the field.
    """
    place = _named(text, choices)
    if place is None:
        return "nothing"
    if not rationale and len(set(re.findall(rf"\b(?:{_either(choices)})\b", text))) > 1:
        return "nothing"
    return "first" if text[place:].startswith(choices[0]) else "second"


def first_share(
    text: str, tokens: Sequence[str], alternatives: Sequence[Iterable[Alternative]], choices: Choices
) -> float:
    """Probability of the first choice where the text names one; NaN where not both are among the alternatives.

    tokens: the text in pieces; alternatives: what might have stood in the place of each.
    """
    place = _named(text, choices)
    if place is None:
        return math.nan
    start = 0
    for token, others in zip(tokens, alternatives, strict=False):  # a server may tell of the first tokens only
        if start <= place < start + len(token):
            return _share(others, choices)
        start += len(token)
    return math.nan


def _share(alternatives: Iterable[Alternative], choices: Choices) -> float:
    weights = dict.fromkeys(choices, 0.0)
    for token, logarithm in alternatives:
        word = token.strip(_AROUND)
        if word in weights:
            weights[word] += math.exp(min(logarithm, 0.0))
    first, second = (weights[choice] for choice in choices)
    return first / (first + second) if first and second else math.nan


def _named(text: str, choices: Choices) -> int | None:
    """Where in the text the choice stands that it names."""
    fields = len(re.findall(rf'"{FIELD}"\s*:', text))
    return _in_words(text, choices) if not fields else _in_object(text, choices, fields)


def _in_object(text: str, choices: Choices, fields: int) -> int | None:
    """fields: how often the object's field stands in the text; each must hold the same choice, and nothing else."""
    either = _either(choices)
    held = list(re.finditer(rf'"{FIELD}"\s*:\s*(?:"({either})(?:"|\Z)|({either})(?=[\s,}}]|\Z))', text))
    if len(held) < fields or len({one.group(one.lastindex or 0) for one in held}) > 1:
        return None
    return held[0].start(held[0].lastindex or 0)


def _in_words(text: str, choices: Choices) -> int | None:
    found = re.match(rf"{_OPEN}(?P<choice>{_either(choices)}){_ENDED}", text)
    if found is None:
        return None
    other = re.escape(choices[1] if found["choice"] == choices[0] else choices[0])
    # "1. and 2. are equal", a list with a line for each, or a mark for each: both are named alike
    alike = rf"\A\W*(?:(?:and|or|nor|vs|versus)\b\W*)?{other}\b|^{_OPEN}{other}\b|\b{other}\s*:"
    return None if re.search(alike, text[found.end() :], re.MULTILINE) else found.start("choice")


def _either(choices: Choices) -> str:
    return "|".join(map(re.escape, choices))
