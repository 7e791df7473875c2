"""Rendered attribute prompts to rows of `attributes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pyarrow as pa

from synpref.engines.attributes import Attributes, parse_attributes
from synpref.engines.failure import OVERLONG, Failure
from synpref.inference.adapters.outcomes import FAILURE_COLUMNS, conversations, field, outcomes, output
from synpref.inference.spec import EngineSpec

if TYPE_CHECKING:
    from synpref.engines.chat import Generation

INPUTS = ("comparison_id", "sample", "messages")
FIVE = ("task_category", "preference_objectivity", "controversiality", "desired_attributes", "annotation_guideline")
SCHEMA = (
    "comparison_id string, sample int, "
    + "".join(f"{name} string, " for name in FIVE)
    + f"raw string, status string, {FAILURE_COLUMNS}"
)

Messages = Sequence[Mapping[str, str]]


class Generates(Protocol):
    """What a generating engine offers."""

    def generate(
        self, prompts: Sequence[Messages], *, max_new_tokens: int, temperature: float, top_p: float, seed: int
    ) -> Sequence[Generation | Failure]:
        """One text for each prompt, in order; a Failure where there is none."""
        ...


class Said(NamedTuple):
    """What the engine said, and the five-tuple in it; None where there is none."""

    raw: str
    parsed: Attributes | None


def answer(engine: Generates, window: pa.RecordBatch, spec: EngineSpec) -> pa.RecordBatch:
    """(comparison_id, sample, messages) to attributes and the failure columns.

    Text that is no five-tuple is an answer of status `invalid`, not a failure. Each sample has its own seed.
    """
    samples: list[Any] = window.column("sample").to_pylist()
    results: list[Said | Failure] = [Failure("", "")] * window.num_rows
    prompts = conversations(window)
    for sample in sorted(set(samples)):
        rows = [row for row, own in enumerate(samples) if own == sample]
        said = outcomes(
            partial(_said, engine, spec, sample),
            [prompts[row] for row in rows],
            "messages are null or empty",
        )
        for row, result in zip(rows, said, strict=True):
            results[row] = result
    values = {name: field(results, partial(_part, name), pa.string()) for name in FIVE}
    values["raw"] = field(results, lambda one: one.raw, pa.string())
    values["status"] = field(results, lambda one: "invalid" if one.parsed is None else "parsed", pa.string())
    return output(window, ("comparison_id", "sample"), results, values)


def _part(name: str, said: Said) -> str | None:
    return None if said.parsed is None else getattr(said.parsed, name)


def _said(engine: Generates, spec: EngineSpec, sample: int, prompts: Sequence[Messages]) -> list[Said | Failure]:
    generations = engine.generate(
        prompts,
        max_new_tokens=spec.integer("max_new_tokens", 160),
        temperature=spec.number("temperature", 0.6),
        top_p=spec.number("top_p", 0.9),
        seed=spec.integer("seed", 0) + sample,
    )
    return [_read(generation) for generation in generations]


def _read(generation: Generation | Failure) -> Said | Failure:
    if isinstance(generation, Failure):
        return generation
    if generation.tokens_out == 0:
        return Failure(OVERLONG, f"the prompt has {generation.tokens_in} tokens, more than the engine's maximum")
    return Said(generation.text, parse_attributes(generation.text))
