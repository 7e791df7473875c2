"""A conversation as plain text, for models without a chat template and for prompts that quote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Messages: TypeAlias = Sequence[Mapping[str, str]]


def transcript(messages: Messages) -> str:
    """Join turns plainly: a lone user turn is its text; else one `role: text` paragraph a turn."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return messages[0]["content"]
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)
