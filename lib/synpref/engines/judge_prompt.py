"""The prompt that asks a judge for a verdict (paper.md §2.1, §2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from synpref.engines.prompt_template import compiled, quote, template_source
from synpref.engines.transcript import Messages, transcript

Order: TypeAlias = Literal["ab", "ba"]
MAX_FEW_SHOTS = 8  # paper.md §2.4
CHOICES = ("1", "2")  # what the prompt asks for; the first names the candidate shown first

_CRITERIA = (
    ("Task", "task_category"),
    ("Kind of preference", "preference_objectivity"),
    ("Controversiality", "controversiality"),
    ("A good answer", "desired_attributes"),
    ("Guideline", "annotation_guideline"),
)


@dataclass(frozen=True)
class JudgeItem:
    """What a judge sees of a comparison: no source label, model name or score.

    attributes: the merged ones, values may be null; None where there are none.
    """

    messages: Messages
    response_a: str
    response_b: str
    attributes: Mapping[str, str | None] | None = None


@dataclass(frozen=True)
class JudgedExample:
    """A gold comparison with its human label, and the order in which it is shown."""

    item: JudgeItem
    label: Literal["a", "b"]
    order: Order = "ab"


def render_judge_prompt(target: JudgeItem, few_shots: Sequence[JudgedExample], order: Order) -> list[dict[str, str]]:
    """Render protocol, examples in the order given, and target, as one user message.

    order: `ab` shows response_a as Candidate 1, `ba` response_b. Quoted text can close none of the tags around it.
    Raises ValueError for more than 8 examples.
    """
    if len(few_shots) > MAX_FEW_SHOTS:
        raise ValueError(f"{len(few_shots)} examples in a judge's prompt; at most {MAX_FEW_SHOTS} (paper.md §2.4)")
    examples = [
        _shown(example.item, example.order) | {"better": CHOICES[example.order.index(example.label)]}
        for example in few_shots
    ]
    text = compiled(template_source("judge")).render(examples=examples, target=_shown(target, order))
    return [{"role": "user", "content": text}]


def _shown(item: JudgeItem, order: Order) -> dict[str, str]:
    responses = {"a": item.response_a, "b": item.response_b}
    given = item.attributes or {}
    criteria = "\n".join(f"{title}: {given[name]}" for title, name in _CRITERIA if given.get(name))
    return {
        "conversation": quote(transcript(item.messages)),
        "criteria": quote(criteria),
        "candidate_1": quote(responses[order[0]]),
        "candidate_2": quote(responses[order[1]]),
    }
