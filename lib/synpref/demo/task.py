"""A generated task: a conversation, its good answers, and answers that go wrong in known ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

GOOD = "none"
MEAN_DIFFICULTY = 0.5  # of the pool's comparisons, held by a test: simulated error rates are means over it
_AT_EQUAL_LOOKS = 0.8  # difficulty of two answers that look equally good
_SLOPE = 0.95


class Flaw(NamedTuple):
    """quality: 1 is faultless; subtlety: 1 looks faultless at a glance, 0 shows at once."""

    quality: float
    subtlety: float


FLAWS: dict[str, Flaw] = {
    GOOD: Flaw(1.0, 0.0),
    "padded": Flaw(0.8, 0.3),
    "curt": Flaw(0.7, 0.4),
    "truncated": Flaw(0.6, 0.35),
    "format": Flaw(0.5, 0.6),
    "evasive": Flaw(0.4, 0.3),
    "over_refusal": Flaw(0.35, 0.35),
    "wrong": Flaw(0.3, 0.9),
    "off_topic": Flaw(0.2, 0.3),
    "rude": Flaw(0.1, 0.2),
    "harmful": Flaw(0.0, 0.45),
}


class Answer(NamedTuple):
    """One response and what is wrong with it (a key of FLAWS)."""

    text: str
    flaw: str


class Message(NamedTuple):
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True)
class Task:
    """messages end with a user turn; `good` are equally good answers; `flawed` those that only this family can tell."""

    family: str
    messages: tuple[Message, ...]
    good: tuple[str, ...]
    flawed: tuple[Answer, ...]


def ask(family: str, prompt: str, good: tuple[str, ...], *flawed: Answer) -> Task:
    """A task of a single user turn."""
    return Task(family, (Message("user", prompt),), good, flawed)


def quality(flaw: str) -> float:
    """How good an answer with this flaw is, 0 to 1; the better of two answers is the one of higher quality."""
    return FLAWS[flaw].quality


def difficulty(better: str, worse: str) -> float:
    """How hard two answers with these flaws are to tell apart, 0 to 1: by how much better the better one looks."""
    gap = _looks(better) - _looks(worse)
    return min(1.0, max(0.0, _AT_EQUAL_LOOKS - _SLOPE * gap))


def _looks(flaw: str) -> float:
    known = FLAWS[flaw]
    return known.quality + known.subtlety * (1 - known.quality)
