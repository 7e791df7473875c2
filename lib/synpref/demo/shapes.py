"""Rows in the public shapes of preference data, one function a shape."""

from __future__ import annotations

import json
from typing import Any

from synpref.demo.sources import Row
from synpref.pairs.identity import hash128

ORIGIN = "simulated"  # label_origin where the shape has a place for it


def messages_of(row: Row) -> list[dict[str, str]]:
    """The conversation as JSON-like messages."""
    return [message._asdict() for message in row.comparison.messages]


def shared_schema(row: Row) -> dict[str, Any]:
    """All columns text: pair_id, source, prompt and extra as JSON, chosen, rejected, label_origin."""
    chosen, rejected = row.texts()
    return {
        "pair_id": "generated-" + hash128(row.source.name, row.comparison.id)[:12],
        "source": row.source.name,
        "prompt": json.dumps(messages_of(row)),
        "chosen": chosen,
        "rejected": rejected,
        "label_origin": ORIGIN,
        "extra": json.dumps({"lang": "en"}),
    }


def explicit(row: Row) -> dict[str, Any]:
    """TRL conversational: prompt, chosen and rejected are lists of messages."""
    chosen, rejected = row.texts()
    return {"prompt": messages_of(row), "chosen": [assistant(chosen)], "rejected": [assistant(rejected)]}


def implicit(row: Row) -> dict[str, Any]:
    """TRL with an implicit prompt: chosen and rejected are whole conversations."""
    chosen, rejected = row.texts()
    return {
        "chosen": [*messages_of(row), assistant(chosen)],
        "rejected": [*messages_of(row), assistant(rejected)],
    }


def text(row: Row) -> dict[str, Any]:
    """prompt, chosen, rejected as text; for conversations of one turn."""
    chosen, rejected = row.texts()
    return {"prompt": row.comparison.messages[-1].content, "chosen": chosen, "rejected": rejected}


def labelled(row: Row) -> dict[str, Any]:
    """prompt as messages, response_a and response_b in the order shown, label a, b or tie."""
    preferred, other = row.texts()
    shown = (other, preferred) if row.swapped else (preferred, other)
    said = "tie" if row.preferred == "tie" else "b" if row.swapped else "a"
    return {"prompt": messages_of(row), "response_a": shown[0], "response_b": shown[1], "label": said}


def assistant(content: str) -> dict[str, str]:
    """One assistant message."""
    return {"role": "assistant", "content": content}
