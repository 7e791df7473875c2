"""Preference attributes: the prompt that asks for them, reading the answer, merging samples (paper.md §1, §10.4)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from synpref.engines.prompt_template import compiled, quote, template_source
from synpref.engines.transcript import Messages, transcript

TASK_CATEGORIES = (
    "Advice seeking", "Brainstorming", "Coding & Debugging", "Creative writing", "Data analysis", "Editing",
    "Information seeking", "Math", "Planning", "Reasoning", "Role playing", "Other",
)  # fmt: skip
OBJECTIVITY = ("Objective", "Subjective")
CONTROVERSIALITY = ("Low", "Medium", "High")


class Attributes(NamedTuple):
    """The five-tuple of a comparison (paper.md §1): three closed values, two texts."""

    task_category: str
    preference_objectivity: str
    controversiality: str
    desired_attributes: str
    annotation_guideline: str


_CLOSED = {
    "task_category": TASK_CATEGORIES,
    "preference_objectivity": OBJECTIVITY,
    "controversiality": CONTROVERSIALITY,
}


def render_attributes_prompt(messages: Messages, response_a: str, response_b: str) -> list[dict[str, str]]:
    """Ask for the attributes of a comparison, as one user message.

    The answers stand in canonical order, which says nothing of their quality, so no label shows (paper.md §1).
    """
    text = compiled(template_source("attributes")).render(
        conversation=quote(transcript(messages)),
        candidate_1=quote(response_a),
        candidate_2=quote(response_b),
        task_categories=TASK_CATEGORIES,
    )
    return [{"role": "user", "content": text}]


def parse_attributes(raw: str) -> Attributes | None:
    """Read the first JSON object in an answer that is the whole five-tuple; None where there is none (paper.md §1).

    Closed values may differ in case and outer space; a list of texts is joined by commas; other keys are ignored.
    """
    for candidate in _objects(raw):
        attributes = _checked(candidate)
        if attributes is not None:
            return attributes
    return None


def merge_attributes(samples: Sequence[Attributes | None]) -> Attributes | None:
    """Merge the samples of one comparison: majority for closed values, first for texts (paper.md §10.4).

    None among samples stands for an invalid answer and does not count; of equally frequent values the one met first
    wins. None where no sample is valid.
    """
    valid = [sample for sample in samples if sample is not None]
    if not valid:
        return None
    majorities = {name: Counter(getattr(sample, name) for sample in valid).most_common(1)[0][0] for name in _CLOSED}
    return valid[0]._replace(**majorities)


def _objects(raw: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    place = raw.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(raw, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield value
        place = raw.find("{", end)


def _checked(candidate: dict[str, Any]) -> Attributes | None:
    values: dict[str, str] = {}
    for name in Attributes._fields:
        text = _text(candidate.get(name))
        if name in _CLOSED:
            text = {value.lower(): value for value in _CLOSED[name]}.get(text.lower(), "")
        if not text:
            return None
        values[name] = text
    return Attributes(**values)


def _text(value: object) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = ", ".join(value)
    # a lone surrogate, which JSON can spell, fits no table
    return value.strip().encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""
