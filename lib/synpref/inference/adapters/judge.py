"""Rendered judge prompts to rows of `verdicts`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import pyarrow as pa

from synpref.engines.failure import OVERLONG, Failure
from synpref.engines.judge_prompt import CHOICES
from synpref.inference.adapters.outcomes import FAILURE_COLUMNS, conversations, field, outcomes, output
from synpref.inference.spec import EngineSpec

if TYPE_CHECKING:
    from synpref.engines.chat import Choice

INPUTS = ("comparison_id", "prompt_hash", "order", "sample", "messages", "few_shots")
SCHEMA = (
    "comparison_id string, prompt_hash string, `order` string, sample int, few_shots array<string>, "
    f"verdict string, p_a double, raw string, tokens_in int, tokens_out int, {FAILURE_COLUMNS}"
)
KEPT = ("comparison_id", "prompt_hash", "order", "sample", "few_shots")

Verdict = Literal["a", "b", "no_preference", "unparsed"]


class Chooses(Protocol):
    """What a judging engine offers."""

    def choose(self, prompts: Sequence[Sequence[Mapping[str, str]]], choices: tuple[str, str]) -> list[Choice]:
        """The probability of the first choice for each prompt, in order."""
        ...


@dataclass(frozen=True)
class Judged:
    """An engine's choice, turned to canonical order."""

    choice: Choice
    p_a: float | None

    @property
    def verdict(self) -> Verdict:
        """What the probability says: above one half a, below it b, exactly one half no preference."""
        if self.p_a is None:
            return "unparsed"
        if self.p_a == 0.5:
            return "no_preference"
        return "a" if self.p_a > 0.5 else "b"


def answer(engine: Chooses, window: pa.RecordBatch, spec: EngineSpec) -> pa.RecordBatch:  # noqa: ARG001 - one shape
    """(comparison_id, prompt_hash, order, sample, messages, few_shots) to verdicts and the failure columns.

    The first of the judge prompt's CHOICES stands for the response shown first; p_a is by canonical order: p_first
    where order is ab, 1 - p_first where it is ba.
    """
    prompts = conversations(window)
    chosen = outcomes(lambda asked: engine.choose(asked, CHOICES), prompts, "messages are null or empty")
    orders = [str(order) for order in window.column("order").to_pylist()]
    results = [
        result if isinstance(result, Failure) else judged(result, order)
        for result, order in zip(chosen, orders, strict=True)
    ]
    values = {
        "verdict": field(results, lambda judged: judged.verdict, pa.string()),
        "p_a": field(results, lambda judged: judged.p_a, pa.float64()),
        "raw": field(results, lambda judged: judged.choice.raw, pa.string()),
        "tokens_in": field(results, lambda judged: judged.choice.tokens_in, pa.int32()),
        "tokens_out": field(results, lambda judged: judged.choice.tokens_out, pa.int32()),
    }
    return output(window, KEPT, results, values)


def judged(choice: Choice, order: str) -> Judged | Failure:
    """The choice in canonical order; a Failure where the engine did not run the prompt because it was too long."""
    if not math.isnan(choice.p_first):
        return Judged(choice, choice.p_first if order == "ab" else 1.0 - choice.p_first)
    if choice.tokens_out == 0:
        return Failure(OVERLONG, f"the prompt has {choice.tokens_in} tokens, more than the judge's maximum")
    return Judged(choice, None)
