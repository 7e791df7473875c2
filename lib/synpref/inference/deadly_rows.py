"""Rows that end the process of their engine: found by halving, as rows that raise are (see failures)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from synpref.engines.failure import DETAIL_CHARACTERS, ENGINE_DIED, Failure
from synpref.errors import EngineError
from synpref.inference.answered import failed
from synpref.inference.spec import EngineSpec

_LOG = logging.getLogger(__name__)
# Each death costs a start of the engine. What dies this often dies over everything, or wants a smaller token_budget.
_ALONE = 4  # rows by themselves, with no answer to others between them
_DEATHS = 64  # over one window: about six bad rows among a thousand
# What engines read of a row, neither long nor odd.
_EASY: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}], "text": "Hello", "order": "ab"}


class EngineDiedError(EngineError):
    """The process of an engine ended, or its device broke, over a window of rows; the next one is a new process."""


def without_deadly_rows(
    spec: EngineSpec,
    window: pa.RecordBatch,
    ask: Callable[[pa.RecordBatch], pa.RecordBatch],
    *,
    patient: bool = True,
) -> pa.RecordBatch:
    """The answers to a window over which the engine's process died twice: its rows by halves, and a failure
    (`engine_died`) for each that ends the process by itself.

    ask: answers rows, or raises EngineDiedError. Where the engine dies over 4 rows after each other with no answer
    between, or more than 64 times, it is asked for a short row of our own. Rows that were lost to its deaths come back
    together, so where it answers that, it goes on; but past 64 deaths the rest of the window, of which nothing was
    answered, is not asked for and fails with the same reason. patient: False where the window before was lost whole.

    Raises EngineError where the engine dies before it is shown a row, over our own row too, or more than 64 times over
    a window of which it answered some rows, or behind one that was lost whole.
    """
    found = _Halving(spec, window, ask, patient=patient)
    found.check_loads(window)
    return pa.Table.from_batches(found.halves(window)).combine_chunks().to_batches()[0]


class _Halving:
    def __init__(
        self,
        spec: EngineSpec,
        window: pa.RecordBatch,
        ask: Callable[[pa.RecordBatch], pa.RecordBatch],
        *,
        patient: bool,
    ) -> None:
        self._spec, self._rows, self._schema, self._ask = spec, window.num_rows, window.schema, ask
        self._deaths = self._alone = 0
        self._patient = patient  # until a row is answered: then the others are to blame, and too many

    def check_loads(self, window: pa.RecordBatch) -> None:
        """Load the engine in a new process, without a row."""
        try:
            self._ask(window.slice(0, 0))
        except EngineDiedError as death:
            raise self._stopped("died while it was loaded", death) from death

    def halves(self, window: pa.RecordBatch) -> list[pa.RecordBatch]:
        """The answers to rows that the process dies over."""
        half = window.num_rows // 2
        if not half:
            return self._tried(window)
        return self._tried(window.slice(0, half)) + self._tried(window.slice(half))

    def _tried(self, part: pa.RecordBatch) -> list[pa.RecordBatch]:
        if self._deaths > _DEATHS:
            return [self._dead(part, f"not asked: the engine died {self._deaths} times over rows beside this one")]
        try:
            found = [self._ask(part)]
        except EngineDiedError as death:
            self._count(part.num_rows, death)
            if part.num_rows > 1:
                return self.halves(part)
            return [self._dead(part, f"the engine died over this row: {death}")]
        self._alone, self._patient = 0, False
        return found

    def _dead(self, part: pa.RecordBatch, told: str) -> pa.RecordBatch:
        return failed(self._spec, part, Failure(ENGINE_DIED, told[:DETAIL_CHARACTERS]))

    def _count(self, rows: int, death: EngineDiedError) -> None:
        _LOG.warning("engine %s died over %d of %d rows: %s", self._spec.name, rows, self._rows, death)
        self._deaths += 1
        self._alone += rows == 1
        spent = self._deaths > _DEATHS
        if self._alone < _ALONE and not spent:
            return
        if (spent and not self._patient) or not self._lives():
            raise self._stopped(f"died {self._deaths} times over parts of the same {self._rows} rows", death)
        self._alone = 0

    def _lives(self) -> bool:
        try:
            self._ask(_easy_row(self._schema))
        except EngineDiedError:
            return False
        return True

    def _stopped(self, told: str, death: EngineDiedError) -> EngineError:
        return EngineError(
            f"the process of engine {self._spec.name} {told} ({death}). Its own words stand in the worker's log; a "
            "smaller token_budget or window takes less memory."
        )


def _easy_row(schema: pa.Schema) -> pa.RecordBatch:
    """One row of a window's columns, as short as any."""
    row = {field.name: _EASY.get(field.name, 0 if pa.types.is_integer(field.type) else None) for field in schema}
    return pa.RecordBatch.from_pylist([row], schema=schema)
