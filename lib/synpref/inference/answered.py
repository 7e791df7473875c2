"""A window through a loaded engine: what can be done before its turn, its answers, and what they cost."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import astuple, fields

import pyarrow as pa

from synpref.engines.failure import STOPPED, Failure
from synpref.engines.known_order import KnownOrder
from synpref.engines.passed import Passed
from synpref.inference.adapters.outcomes import Ready
from synpref.inference.kinds import kind_of
from synpref.inference.spec import EngineSpec

# Beside the answers: what the window cost, on its first row and null on the others.
COST = tuple(f"engine_{one.name}" for one in fields(Passed))
# There as well, of a reward model: how it ordered comparisons with a known better answer when it was loaded.
ORDER = "engine_order"
COST_COLUMNS = f"{', '.join(f'{name} bigint' for name in COST)}, {ORDER} struct<right: int, pairs: int, margin: double>"
_ORDER_TYPE = pa.struct([("right", pa.int32()), ("pairs", pa.int32()), ("margin", pa.float64())])


def prepared(spec: EngineSpec, engine: object, window: pa.RecordBatch) -> Ready | None:
    """What `answered` takes as `ready`; None where the engine has nothing to do ahead, or fails at it.

    Which row it failed at shows when the window is answered.
    """
    prepare = kind_of(spec).prepare
    if prepare is None or not hasattr(engine, "prepare"):
        return None
    try:
        return prepare(engine, window, spec)
    except Exception:
        return None


def answered(spec: EngineSpec, engine: object, window: pa.RecordBatch, ready: Ready | None = None) -> pa.RecordBatch:
    """What the kind's adapter gives for the window, with the columns COST and ORDER."""
    passed = getattr(engine, "passed", Passed())
    before = astuple(passed)
    kind = kind_of(spec)
    answers = kind.answer(engine, window, spec) if ready is None else kind.answer(engine, window, spec, ready)
    rest = [None] * (answers.num_rows - 1)
    for name, count, counted in zip(COST, astuple(passed), before, strict=True):
        answers = answers.append_column(name, pa.array([count - counted, *rest][: answers.num_rows], pa.int64()))
    order: KnownOrder | None = getattr(engine, "order", None)
    told = None if order is None else order._asdict()
    return answers.append_column(ORDER, pa.array([told, *rest][: answers.num_rows], _ORDER_TYPE))


class _Failing:
    """In the place of an engine: each item that it is asked for failed."""

    def __init__(self, failure: Failure) -> None:
        self._failure = failure

    def _fail(self, asked: Sequence[object], *_rest: object, **_options: object) -> list[Failure]:
        return [self._failure] * len(asked)

    score = embed = choose = generate = _fail

    def recorded(self, keys: Sequence[object]) -> list[None]:
        """No record of any key."""
        return [None] * len(keys)


def failed(spec: EngineSpec, window: pa.RecordBatch, failure: Failure) -> pa.RecordBatch:
    """As `answered`, of an engine that fails at each row."""
    return answered(spec, _Failing(failure), window)


def stopped(spec: EngineSpec, window: pa.RecordBatch, error: Exception) -> pa.RecordBatch:
    """One row in the place of the answers to a window: `error` is STOPPED, `detail` names the error and its words."""
    told = "".join(traceback.format_exception_only(error)).strip()
    row = failed(spec, window.slice(0, 1), Failure(STOPPED, told))
    for name, value in (("error", STOPPED), ("detail", told)):  # the adapter has its own where the row lacks its text
        row = row.set_column(row.schema.get_field_index(name), name, pa.array([value], pa.string()))
    return row
