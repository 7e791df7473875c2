"""A window through a loaded engine: what can be done before its turn, its answers, and what they cost."""

from __future__ import annotations

from dataclasses import astuple, fields

import pyarrow as pa

from synpref.engines.passed import Passed
from synpref.inference.adapters.outcomes import Ready
from synpref.inference.kinds import kind_of
from synpref.inference.spec import EngineSpec

# Beside the answers: what the window cost, on its first row and null on the others.
COST = tuple(f"engine_{one.name}" for one in fields(Passed))
COST_COLUMNS = ", ".join(f"{name} bigint" for name in COST)


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
    """What the kind's adapter gives for the window, with the columns COST."""
    passed = getattr(engine, "passed", Passed())
    before = astuple(passed)
    kind = kind_of(spec)
    answers = kind.answer(engine, window, spec) if ready is None else kind.answer(engine, window, spec, ready)
    rest = [None] * (answers.num_rows - 1)
    for name, count, counted in zip(COST, astuple(passed), before, strict=True):
        answers = answers.append_column(name, pa.array([count - counted, *rest][: answers.num_rows], pa.int64()))
    return answers
