"""Simulated judges: verdicts with a stated accuracy and position bias, named simulated wherever they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.demo.draw import uniform
from synpref.demo.mistakes import error_probability, other
from synpref.demo.task import MEAN_DIFFICULTY
from synpref.store.contracts.opinions import VERDICTS

CHANGES = 0.2  # share of items on which a further sample of a judge is a fresh answer, not its first one again
_ASKED = ("comparison_id", "prompt_hash", "order", "sample", "few_shots")
_SCHEMA = ", ".join(f"`{column.name}` {column.type}" for column in VERDICTS.columns)
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("comparison_id", pa.string()), ("engine_id", pa.string()), ("prompt_hash", pa.string()), ("order", pa.string()),
    ("sample", pa.int32()), ("verdict", pa.string()), ("p_a", pa.float64()), ("raw", pa.string()),
    ("few_shots", pa.list_(pa.string())), ("tokens_in", pa.int32()), ("tokens_out", pa.int32()),
]  # fmt: skip
_ARROW = pa.schema(_FIELDS)


class Judge(NamedTuple):
    """position_bias: share of items that it decides for what stands first. accuracy: share right of the others."""

    name: str
    accuracy: float
    position_bias: float


class Question(NamedTuple):
    """One comparison shown in one order (ab or ba); winner is null where there is no truth."""

    comparison_id: str
    order: str
    sample: int
    winner: str | None
    difficulty: float | None


def answer(requests: DataFrame, truth: DataFrame, judges: Mapping[str, Judge], *, seed: int) -> DataFrame:
    """Let simulated judges (by engine_id) answer: rows of `verdicts` without bucket, one a request and judge.

    requests: comparison_id, prompt_hash, order (ab / ba), sample, few_shots (null counts as none).
    truth: the `truth` table. A comparison without truth gets `no_preference`.
    """
    # left join by key of two tables that may both be large: what is asked, and the truth of the whole pool
    asked = requests.select(*_ASKED).join(
        truth.select("comparison_id", "winner", "difficulty"), "comparison_id", "left"
    )
    asked = asked.withColumn("few_shots", F.coalesce("few_shots", F.array().cast("array<string>")))
    return asked.mapInArrow(partial(_answer_batches, dict(judges), seed), _SCHEMA)


def p_first(judge: Judge, seed: int, question: Question) -> float:
    """Probability that the judge gives to the response shown first: of (seed, judge, comparison, order, sample) alone.

    0.5 exactly means no preference: equally good responses, or no truth. What the judge gets wrong it gets wrong in
    both orders, more of the hard items than of the easy ones; what it decides by position turns with the order. So its
    two orders agree with the truth on a share (1 - position_bias) * accuracy.
    """
    if question.winner is None:
        return 0.5
    key = (seed, judge.name, _stream(judge, seed, question), question.comparison_id)
    confidence = _confidence(judge, seed, question)
    if uniform(*key, "position") < judge.position_bias:
        return confidence
    errs = uniform(*key, "error") < error_probability(1 - judge.accuracy, question.difficulty)
    if question.winner == "tie" and not errs:
        return 0.5
    side = question.winner if question.winner != "tie" else "a" if uniform(*key, "side") < 0.5 else "b"
    chosen = other(side) if errs else side
    return confidence if question.order.startswith(chosen) else 1 - confidence


def _stream(judge: Judge, seed: int, question: Question) -> int:
    """Which of its answers a sample repeats: mostly the first one, since samples of one judge err together."""
    changes = uniform(seed, judge.name, question.sample, question.comparison_id, "changes") < CHANGES
    return question.sample if changes else 0


def _confidence(judge: Judge, seed: int, question: Question) -> float:
    hardness = MEAN_DIFFICULTY if question.difficulty is None else question.difficulty
    luck = uniform(seed, judge.name, question.comparison_id, question.order, question.sample, "confidence")
    return round(0.98 - 0.3 * hardness - 0.1 * luck, 4)


def _answer_batches(
    judges: Mapping[str, Judge], seed: int, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        asked = batch.to_pylist()
        for engine_id, judge in judges.items():
            rows = [{"engine_id": engine_id, **_verdict(judge, seed, row)} for row in asked]
            yield pa.RecordBatch.from_pylist(rows, schema=_ARROW)


def _verdict(judge: Judge, seed: int, row: Mapping[str, Any]) -> dict[str, Any]:
    question = Question(row["comparison_id"], row["order"], row["sample"], row["winner"], row["difficulty"])
    first = p_first(judge, seed, question)
    p_a = first if row["order"] == "ab" else 1 - first
    said = "no_preference" if first == 0.5 else "a" if p_a > 0.5 else "b"
    shown = "neither" if first == 0.5 else "first" if first > 0.5 else "second"
    return {
        **{name: row[name] for name in _ASKED},
        "verdict": said,
        "p_a": p_a,
        "raw": f"simulated: {shown}",
        "tokens_in": None,
        "tokens_out": None,
    }
