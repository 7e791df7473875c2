"""Sums, plain and in words. A wrong result differs by a digit, so it is hard for a small model."""

from __future__ import annotations

from synpref.demo.draw import Draw
from synpref.demo.task import Answer, Task, ask
from synpref.demo.words import GOODS, NAMES

FAMILY = "arithmetic"
_PLAIN = (
    "What is {a} {word} {b}?", "Compute {a} {sign} {b}.", "How much is {a} {word} {b}?", "{a} {sign} {b} = ?",
    "Please work out {a} {word} {b} for me.", "Can you calculate {a} {sign} {b}?",
)  # fmt: skip
_STORIES = {
    "plus": (
        "{name} has {a} {goods} and buys {b} more. How many are there now?",
        "There are {a} {goods} in a box. {name} adds {b}. How many {goods} is that?",
        "{name} found {a} {goods} on one day and {b} on the next. How many in all?",
    ),
    "minus": (
        "{name} had {a} {goods} and gave {b} away. How many are left?",
        "Of {a} {goods}, {name} lost {b}. How many {goods} remain?",
        "{name} needs {a} {goods} and has {b}. How many are missing?",
    ),
    "times": (
        "{name} fills {a} boxes with {b} {goods} each. How many {goods} are that?",
        "{a} friends of {name} bring {b} {goods} each. How many {goods} is that?",
    ),
}
_SIGNS = {"plus": "+", "minus": "-", "times": "*"}
_ANSWERS = (
    "It is {c}.", "The answer is {c}.", "{a} {word} {b} is {c}.", "That makes {c}, because {a} {sign} {b} = {c}.",
    "If you work it out step by step, {a} {word} {b} gives {c}.",
)  # fmt: skip


def make(draw: Draw) -> Task:
    """One sum, the right result in several lengths, and a wrong one in the same form."""
    word = draw.choice(tuple(_SIGNS))
    a, b = _operands(draw, word)
    c = {"plus": a + b, "minus": a - b, "times": a * b}[word]
    wrong = c + draw.choice((-10, -2, -1, 1, 2, 10)) if c > 10 else c + draw.choice((1, 2, 3))
    facts = {"a": a, "b": b, "word": word, "sign": _SIGNS[word]}
    form = draw.choice(_PLAIN if draw.chance(0.4) else _STORIES[word])
    prompt = form.format(name=draw.choice(NAMES), goods=draw.choice(GOODS), **facts)
    good = tuple(answer.format(c=c, **facts) for answer in draw.sample(_ANSWERS, 2))
    return ask(FAMILY, prompt, good, Answer(draw.choice(_ANSWERS).format(c=wrong, **facts), "wrong"))


def _operands(draw: Draw, word: str) -> tuple[int, int]:
    if word == "times":
        return draw.integer(3, 12), draw.integer(3, 12)
    b = draw.integer(4, 49)
    return (b + draw.integer(3, 50) if word == "minus" else draw.integer(4, 80)), b
