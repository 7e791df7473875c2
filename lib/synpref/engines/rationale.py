"""A rationale behind a verdict: how it is asked for, and how both read together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synpref.engines.tokenise import plain_ids

if TYPE_CHECKING:
    from synpref.engines.chat_template import ChatTemplate
    from synpref.engines.choice import Choices
    from synpref.engines.transcript import Messages

RATIONALE_TOKENS = 128  # written at most, unless a setting says otherwise
OPENING_TOKENS = 8  # a verdict and its full stop are no more
INSTRUCTION = "Begin the reply with the number and a full stop. Behind it, add one sentence that says why."


def instructed(prompt: Messages, further: str) -> list[dict[str, str]]:
    """The prompt with `further` as the last paragraph of its last message; unchanged where that is empty."""
    *before, last = (dict(message) for message in prompt)
    return [*before, {**last, "content": f"{last['content'].rstrip()}\n\n{further}" if further else last["content"]}]


def opening_ids(template: ChatTemplate, choices: Choices) -> list[list[int]]:
    """Tokens of the reply that says each choice and has still to say why."""
    # control tokens may stay what they are: the choices hold none, and to change the tokenizer's mode here would change
    # it for the thread that tokenises the next prompts
    return plain_ids(template.tokenizer, [f"{choice}." for choice in choices], split_special=False)


def said_with(choice: str, rationale: str) -> str:
    """The verdict with its rationale on one line, the verdict first."""
    return f"{choice}. {' '.join(rationale.split())}".rstrip()
