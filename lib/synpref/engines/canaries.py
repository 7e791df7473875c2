"""Comparisons with an obvious answer: a judge that fails them is admitted nowhere (design.md, admission of a judge).

Reward models are scored on them too (known_order), without being held to them.
"""

from __future__ import annotations

from typing import Literal

from synpref.engines.judge_prompt import JudgedExample, JudgeItem


def _canary(question: str, response_a: str, response_b: str, label: Literal["a", "b"]) -> JudgedExample:
    return JudgedExample(JudgeItem([{"role": "user", "content": question}], response_a, response_b), label)


# As many whose better answer is a as b, and as many where it is the longer as the shorter: neither habit passes.
CANARIES = (
    _canary("What is 2 + 2?", "2 + 2 is 4.", "2 + 2 is 7, as anyone who has counted on seven fingers knows well.", "a"),
    _canary(
        "Name the capital of France.",
        "Bananas.",
        "The capital of France is Paris, which lies on the river Seine.",
        "b",
    ),
    _canary(
        "Write one sentence about the sea.",
        "The sea was calm that morning, and the boats lay still in the harbour.",
        "No.",
        "a",
    ),
    _canary(
        "Which is larger, an elephant or a mouse?",
        "A mouse is far larger than an elephant, since mice weigh several tonnes each.",
        "An elephant is larger.",
        "b",
    ),
    _canary(
        "Translate the French word 'chat' (the animal) into English.",
        "Cat.",
        "The weather is going to be fine tomorrow, with light winds from the west.",
        "a",
    ),
    _canary(
        "How many days are there in a week?",
        "asdf jkl asdf",
        "There are seven days in a week, from Monday to Sunday.",
        "b",
    ),
    _canary(
        "I feel sad today. What could I do?",
        "I am sorry to hear that. A walk, a talk with a friend or some rest may help.",
        "Nobody cares how you feel.",
        "a",
    ),
    _canary(
        "Does water freeze at 0 degrees Celsius at normal pressure? Answer yes or no.",
        "It depends on the colour of the cup, and purple cups never freeze at all, whatever the temperature.",
        "Yes.",
        "b",
    ),
)  # fmt: skip
