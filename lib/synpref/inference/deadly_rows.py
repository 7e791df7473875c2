"""Rows that end the process of their engine: found by halving, as rows that raise are (see failures)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pyarrow as pa

from synpref.engines.failure import DETAIL_CHARACTERS, ENGINE_ERROR, Failure
from synpref.errors import EngineError
from synpref.inference.answered import answered
from synpref.inference.spec import EngineSpec

_LOG = logging.getLogger(__name__)
# Each death costs a start of the engine. What dies this often dies over everything, or wants a smaller token_budget.
_ALONE = 4  # rows by themselves, with no answer to others between them
_DEATHS = 64  # over one window: about six bad rows among a thousand


class EngineDiedError(EngineError):
    """The process of an engine ended, or its device broke, over a window of rows; the next one is a new process."""


class _Dead:
    """In the place of an engine: each row that it is asked for failed."""

    def __init__(self, told: str) -> None:
        self._told = told

    def _fail(self, asked: Sequence[object], *_rest: object, **_options: object) -> list[Failure]:
        return [Failure(ENGINE_ERROR, self._told[:DETAIL_CHARACTERS])] * len(asked)

    score = embed = choose = generate = _fail


def without_deadly_rows(
    spec: EngineSpec, window: pa.RecordBatch, ask: Callable[[pa.RecordBatch], pa.RecordBatch]
) -> pa.RecordBatch:
    """The answers to a window over which the engine's process died twice: its rows by halves, and a failure
    (`engine_error`) for each that ends the process by itself.

    ask: answers rows, or raises EngineDiedError. Raises EngineError where the engine dies before it is shown a row,
    over 4 rows after each other with no answer between, or more than 64 times.
    """
    found = _Halving(spec, window.num_rows, ask)
    found.check_loads(window)
    return pa.Table.from_batches(found.halves(window)).combine_chunks().to_batches()[0]


class _Halving:
    def __init__(self, spec: EngineSpec, rows: int, ask: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
        self._spec, self._rows, self._ask = spec, rows, ask
        self._deaths = self._alone = 0

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
        try:
            found = [self._ask(part)]
        except EngineDiedError as death:
            self._count(part.num_rows, death)
            return (
                self.halves(part)
                if part.num_rows > 1
                else [answered(self._spec, _Dead(f"the engine died over this row: {death}"), part)]
            )
        self._alone = 0
        return found

    def _count(self, rows: int, death: EngineDiedError) -> None:
        _LOG.warning("engine %s died over %d of %d rows: %s", self._spec.name, rows, self._rows, death)
        self._deaths += 1
        self._alone += rows == 1
        if self._alone >= _ALONE or self._deaths > _DEATHS:
            raise self._stopped(f"died {self._deaths} times over parts of the same {self._rows} rows", death)

    def _stopped(self, told: str, death: EngineDiedError) -> EngineError:
        return EngineError(
            f"the process of engine {self._spec.name} {told} ({death}). Its own words stand in the worker's log; a "
            "smaller token_budget or window takes less memory."
        )
