"""The kinds of engines: for each, how it loads, which table it fills, and the adapter between Arrow and the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from synpref.errors import InputError
from synpref.inference import loading
from synpref.inference.adapters import attributes, embedder, judge, reward
from synpref.inference.adapters.outcomes import Ready
from synpref.inference.spec import EngineSpec


@dataclass(frozen=True)
class Kind:
    """One kind.

    table: what it fills; inputs: the columns it needs; schema: Spark DDL of what `answer` returns; load: spec to
    engine; answer: (engine, window of input rows, spec) to answers with the failure columns. together: SQL over the
    input columns, outermost first: rows that are equal or neighbours in it may share work in the engine (see
    together_of). prepare: (engine, window, spec) to
    what `answer` takes as a fourth argument, made while the window before is computed.
    """

    table: str
    inputs: tuple[str, ...]
    schema: str
    load: Callable[[EngineSpec], Any]
    answer: Callable[..., pa.RecordBatch]
    together: tuple[str, ...] = ()
    prepare: Callable[[Any, pa.RecordBatch, EngineSpec], Ready] | None = None


# A judge's prompt is protocol, examples, conversation, responses in order. Sorted, not hashed: those that begin with
# the same examples stand side by side, within them the comparisons of one conversation, within these both orders of a
# comparison, and within these its samples.
BY_PROMPT = ("few_shots", "prompt_id", "comparison_id", "`order`")

KINDS: dict[str, Kind] = {
    "embedder": Kind(
        "embeddings", embedder.INPUTS, embedder.SCHEMA, loading.embedder, embedder.answer, prepare=embedder.prepare
    ),
    "reward": Kind(
        "rewards",
        reward.INPUTS,
        reward.SCHEMA,
        loading.reward,
        reward.answer,
        together=("xxhash64(messages)",),  # long texts: only equal ones share, so any order of them serves
        prepare=reward.prepare,
    ),
    "chat-judge": Kind("verdicts", judge.INPUTS, judge.SCHEMA, loading.chat, judge.answer, BY_PROMPT, judge.prepare),
    "http-judge": Kind("verdicts", judge.INPUTS, judge.SCHEMA, loading.http, judge.answer_sampled, BY_PROMPT),
    "vllm-judge": Kind(
        "verdicts", judge.INPUTS, judge.SCHEMA, loading.vllm, judge.answer_sampled, BY_PROMPT, judge.prepare_sampled
    ),
    "replay-judge": Kind("verdicts", judge.INPUTS, judge.SCHEMA, loading.replay, judge.answer_recorded),
    "chat-attributes": Kind("attributes", attributes.INPUTS, attributes.SCHEMA, loading.chat, attributes.answer),
}


def together_of(spec: EngineSpec) -> tuple[str, ...]:
    """SQL over the input columns by which rows are brought into one task and window, because the engine computes what
    they have in common once; none where it does not.

    A scorer does not where `shared_prompt` is off. A judge's server keeps the beginnings of prompts as vLLM does.
    Rewards are bucketed by response and verdicts by comparison: where the rows of several buckets are too many for one
    shard, what shards cut apart is computed in each of them.
    """
    return () if spec.text("shared_prompt") == "off" else kind_of(spec).together


def kind_of(spec: EngineSpec) -> Kind:
    """The kind of the spec; InputError where there is none of that name."""
    if spec.kind not in KINDS:
        raise InputError(f"engine {spec.name}: no kind {spec.kind!r}; there are {', '.join(sorted(KINDS))}")
    return KINDS[spec.kind]
