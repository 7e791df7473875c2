"""The text that stands for a comparison's prompt in retrieval (paper.md §2.3)."""

from __future__ import annotations

from collections.abc import Mapping

from synpref.engines.transcript import Messages, transcript


def serialise(messages: Messages, attributes: Mapping[str, str | None] | None) -> str:
    """Text of (conversation, merged attributes); responses are not part of it. Null or missing attributes are left out.

    What matters most stands last, since a text above the embedder's length loses its beginning (paper.md §10.1: keep
    the last turns): guideline, desired qualities, the three closed values, conversation.
    """
    given = attributes or {}
    closed = [given.get(name) for name in ("task_category", "preference_objectivity", "controversiality")]
    kind = ", ".join(value for value in closed if value)
    lines = [
        ("Guideline", given.get("annotation_guideline")),
        ("A good answer", given.get("desired_attributes")),
        ("Task", kind),
    ]
    head = [f"{name}: {value}" for name, value in lines if value]
    return "\n".join([*head, transcript(messages)])
