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
    """The choice that the text begins with, or that the field `better` of a JSON object names; else `nothing`.

    Where no rationale was asked for, a text that names both choices names none. The object may be cut behind the field.
    """
    place = _named(text, choices)
    if place is None:
        return "nothing"
    if not rationale and len(set(re.findall(_word(choices), text))) > 1:
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
    found = re.search(rf'"{FIELD}"\s*:\s*"?(?P<choice>{_word(choices)})', text)
    found = found or re.match(rf"\W*(?P<choice>{_word(choices)})", text)
    return found and found.start("choice")


def _word(choices: Choices) -> str:
    return rf"\b(?:{'|'.join(map(re.escape, choices))})\b"
