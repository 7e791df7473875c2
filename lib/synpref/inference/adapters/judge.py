"""Rendered judge prompts to rows of `verdicts`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import pyarrow as pa

from synpref.engines.choice import Choice
from synpref.engines.failure import NOT_RECORDED, OVERLONG, Failure
from synpref.engines.judge_prompt import CHOICES
from synpref.engines.replay import Key, Recorded, Verdict
from synpref.engines.transcript import Messages
from synpref.inference.adapters.outcomes import FAILURE_COLUMNS, Ready, conversations, field, outcomes, output
from synpref.inference.spec import EngineSpec

# prompt_id: of the conversation; no engine reads it, requests are sorted by it (kinds.BY_PROMPT)
INPUTS = ("comparison_id", "prompt_hash", "order", "sample", "messages", "few_shots", "prompt_id")
SCHEMA = (
    "comparison_id string, prompt_hash string, `order` string, sample int, few_shots array<string>, "
    f"verdict string, p_a double, raw string, tokens_in int, tokens_out int, {FAILURE_COLUMNS}"
)
KEPT = ("comparison_id", "prompt_hash", "order", "sample", "few_shots")
# A prompt and the seed of its answer
Drawn: TypeAlias = tuple[list[dict[str, str]], int]
Rows = TypeVar("Rows")
_UNREADABLE = "messages are null or empty"


class Chooses(Protocol):
    """A judging engine that gives a prompt the same answer always."""

    def choose(self, prompts: Sequence[Messages], choices: tuple[str, str]) -> list[Choice]:
        """The choice of each prompt, in order."""
        ...


class Draws(Protocol):
    """A judging engine that draws its answers."""

    def choose(
        self, prompts: Sequence[Messages], choices: tuple[str, str], seeds: Sequence[int]
    ) -> list[Choice | Failure]:
        """The choice of each prompt, drawn with its seed, in order."""
        ...


class ChoosesAhead(Protocol[Rows]):
    """Chooses, with tokens that can be made before their turn."""

    def prepare(self, prompts: Sequence[Messages]) -> Rows:
        """Tokenise."""
        ...

    def choose_rows(self, rows: Rows, choices: tuple[str, str]) -> list[Choice]:
        """As Chooses.choose, of what `prepare` gave."""
        ...


class DrawsAhead(Protocol[Rows]):
    """Draws, with tokens that can be made before their turn."""

    def prepare(self, prompts: Sequence[Messages]) -> Rows:
        """Tokenise."""
        ...

    def choose_rows(self, rows: Rows, choices: tuple[str, str], seeds: Sequence[int]) -> list[Choice | Failure]:
        """As Draws.choose, of what `prepare` gave."""
        ...


class Records(Protocol):
    """What answers from a record."""

    def recorded(self, keys: Sequence[Key]) -> list[Recorded | None]:
        """The record of each key, in order; None where there is none."""
        ...


class Judged(NamedTuple):
    """What a judge said, in canonical order."""

    verdict: Verdict
    p_a: float | None
    raw: str
    tokens_in: int | None
    tokens_out: int | None


def prepare(engine: ChoosesAhead[Rows], window: pa.RecordBatch, _spec: EngineSpec) -> Ready:
    """What `answer` needs of a window beside the model. Raises what the tokenizer raises, whichever row it is."""
    items = conversations(window)
    rows = engine.prepare([prompt for prompt in items if prompt is not None])
    return Ready(items, partial(engine.choose_rows, rows, CHOICES))


def prepare_sampled(engine: DrawsAhead[Rows], window: pa.RecordBatch, spec: EngineSpec) -> Ready:
    """As `prepare`, for `answer_sampled`."""
    items = _drawn(window, spec)
    asked = [item for item in items if item is not None]
    rows = engine.prepare([prompt for prompt, _ in asked])
    return Ready(items, partial(engine.choose_rows, rows, CHOICES, [seed for _, seed in asked]))


def answer(engine: Chooses, window: pa.RecordBatch, _spec: EngineSpec, ready: Ready | None = None) -> pa.RecordBatch:
    """(comparison_id, prompt_hash, order, sample, messages, few_shots) to verdicts and the failure columns.

    The first of the judge prompt's CHOICES stands for the response shown first.
    """
    items = conversations(window) if ready is None else ready.items
    chosen = outcomes(lambda asked: engine.choose(asked, CHOICES), items, _UNREADABLE, ready and ready.at_once)
    return _verdicts(window, chosen)


def answer_sampled(
    engine: Draws, window: pa.RecordBatch, spec: EngineSpec, ready: Ready | None = None
) -> pa.RecordBatch:
    """As `answer`, of an engine that draws: each sample has its own seed, the option `seed` and the sample's number."""

    def choose(asked: list[Drawn]) -> list[Choice | Failure]:
        return engine.choose([prompt for prompt, _ in asked], CHOICES, [seed for _, seed in asked])

    items: list[Drawn | None] = _drawn(window, spec) if ready is None else ready.items
    return _verdicts(window, outcomes(choose, items, _UNREADABLE, ready and ready.at_once))


def _drawn(window: pa.RecordBatch, spec: EngineSpec) -> list[Drawn | None]:
    seed = spec.integer("seed", 0)
    samples: list[Any] = window.column("sample").to_pylist()  # null where a UDF asks
    return [
        None if prompt is None else (prompt, seed + int(sample or 0))
        for prompt, sample in zip(conversations(window), samples, strict=True)
    ]


def answer_recorded(engine: Records, window: pa.RecordBatch, spec: EngineSpec) -> pa.RecordBatch:
    """As `answer`, from records: the prompt is not read. What was not recorded fails with that reason."""
    columns = (window.column(name).to_pylist() for name in Key._fields)
    keys = [Key(*key) for key in zip(*columns, strict=True)]
    missing = Failure(NOT_RECORDED, f"{spec.name} has no record of this comparison in this order and sample")
    found = engine.recorded(keys)
    return _rows(
        window, [missing if one is None else Judged(one.verdict, one.p_a, one.raw, None, None) for one in found]
    )


def judged(choice: Choice, order: str) -> Judged | Failure:
    """The choice in canonical order; a Failure where the engine did not run the prompt because it was too long.

    The verdict is what was said. Where the engine only compares probabilities it is the likelier response, and equal
    probabilities are no preference in either case. p_a is p_first where order is ab, 1 - p_first where it is ba.
    """
    p_a = None if math.isnan(choice.p_first) else choice.p_first if order == "ab" else 1.0 - choice.p_first
    if p_a is None and choice.said is None and choice.tokens_out == 0:
        return Failure(OVERLONG, f"the prompt has {choice.tokens_in} tokens, more than the judge's maximum")
    return Judged(_verdict(choice, order, p_a), p_a, choice.raw, choice.tokens_in, choice.tokens_out)


def _verdict(choice: Choice, order: str, p_a: float | None) -> Verdict:
    if p_a == 0.5 or choice.said == "neither":
        return "no_preference"
    if choice.said in {"first", "second"}:
        return "a" if (choice.said == "first") == (order == "ab") else "b"
    if p_a is None or choice.said == "nothing":
        return "unparsed"
    return "a" if p_a > 0.5 else "b"


def _verdicts(window: pa.RecordBatch, chosen: Sequence[Choice | Failure]) -> pa.RecordBatch:
    orders = [str(order) for order in window.column("order").to_pylist()]
    return _rows(
        window,
        [
            result if isinstance(result, Failure) else judged(result, order)
            for result, order in zip(chosen, orders, strict=True)
        ],
    )


def _rows(window: pa.RecordBatch, results: Sequence[Judged | Failure]) -> pa.RecordBatch:
    values = {
        "verdict": field(results, lambda judged: judged.verdict, pa.string()),
        "p_a": field(results, lambda judged: judged.p_a, pa.float64()),
        "raw": field(results, lambda judged: judged.raw, pa.string()),
        "tokens_in": field(results, lambda judged: judged.tokens_in, pa.int32()),
        "tokens_out": field(results, lambda judged: judged.tokens_out, pa.int32()),
    }
    return output(window, KEPT, results, values)
