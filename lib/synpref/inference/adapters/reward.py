"""Conversations with a final response to rows of `rewards`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

import pyarrow as pa

from synpref.engines.failure import ENGINE_ERROR, OVERLONG, Failure
from synpref.engines.tokenise import Conversation
from synpref.inference.adapters.outcomes import FAILURE_COLUMNS, Ready, conversations, field, outcomes, output
from synpref.inference.spec import EngineSpec

if TYPE_CHECKING:
    from synpref.engines.reward_rows import Reward

Rows = TypeVar("Rows")

INPUTS = ("response_id", "messages", "text")
SCHEMA = f"response_id string, reward double, tokens int, truncated boolean, {FAILURE_COLUMNS}"


class Scores(Protocol):
    """What a reward engine offers."""

    def score(self, conversations: Sequence[Conversation]) -> Sequence[Reward | Failure]:
        """One reward for each conversation, in order; a Failure where a server gave none."""
        ...


class ScoresAhead(Protocol[Rows]):
    """A reward engine whose tokens can be made before their turn."""

    def prepare(self, conversations: Sequence[Conversation]) -> Rows:
        """Tokenise."""
        ...

    def score_rows(self, rows: Rows) -> Sequence[Reward | Failure]:
        """As Scores.score, of what `prepare` gave."""
        ...


def prepare(engine: ScoresAhead[Rows], window: pa.RecordBatch, _spec: EngineSpec) -> Ready:
    """What `answer` needs of a window beside the model. Raises what the tokenizer raises, whichever row it is."""
    items = _items(window)
    rows = engine.prepare([item for item in items if item is not None])
    return Ready(items, partial(engine.score_rows, rows))


def answer(engine: Scores, window: pa.RecordBatch, spec: EngineSpec, ready: Ready | None = None) -> pa.RecordBatch:
    """(response_id, messages, text) to (response_id, reward, tokens, truncated) and the failure columns.

    A conversation that the engine refuses as over-long fails with reason `overlong` (a policy, not an engine's error).
    """
    items = _items(window) if ready is None else ready.items
    scored = outcomes(engine.score, items, "messages or text is null or empty", ready and ready.at_once)
    limit = spec.integer("max_tokens", 0)
    results = [checked(result, limit) for result in scored]
    values = {
        "reward": field(results, lambda reward: reward.reward, pa.float64()),
        "tokens": field(results, lambda reward: reward.tokens, pa.int32()),
        "truncated": field(results, lambda reward: reward.truncated, pa.bool_()),
    }
    return output(window, ("response_id",), results, values)


def _items(window: pa.RecordBatch) -> list[Conversation | None]:
    texts: list[str | None] = window.column("text").to_pylist()
    return [
        None if messages is None or text is None else Conversation(messages, text)
        for messages, text in zip(conversations(window), texts, strict=True)
    ]


def checked(result: Reward | Failure, max_tokens: int) -> Reward | Failure:
    """The result, or a Failure where it is no number: the engine's sign for refused as too long, else its error."""
    if isinstance(result, Failure) or math.isfinite(result.reward):
        return result
    if math.isnan(result.reward) and result.tokens > max_tokens:
        return Failure(OVERLONG, f"{result.tokens} tokens, at most {max_tokens} are scored")
    return Failure(ENGINE_ERROR, f"reward is {result.reward} for {result.tokens} tokens")
