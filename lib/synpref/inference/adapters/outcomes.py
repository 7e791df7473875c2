"""What the adapters share: outcomes of a window's rows, and the Arrow batch that carries them to staging."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from synpref.engines.failure import MISSING_INPUT, NOT_RECORDED, Failure
from synpref.inference.failures import attempt

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Ready(NamedTuple):
    """What was done of a window before its turn: its items, and what answers those of them that are not None."""

    items: list[Any]
    at_once: Callable[[], Sequence[Any]]


FAILURE_COLUMNS = "error string, detail string, original string"


def outcomes(
    call: Callable[[list[Item]], Sequence[Answer | Failure]],
    items: Sequence[Item | None],
    missing: str,
    at_once: Callable[[], Sequence[Answer | Failure]] | None = None,
) -> list[Answer | Failure]:
    """The answer or Failure of every item; None items are never shown to the engine and fail with `missing`.

    at_once: answers all other items from what was made ready for them; only where it raises is `call` asked.
    """
    answers = iter(attempt(call, [item for item in items if item is not None], at_once))
    return [Failure(MISSING_INPUT, missing) if item is None else next(answers) for item in items]


def output(
    window: pa.RecordBatch,
    kept: Sequence[str],
    results: Sequence[Answer | Failure],
    values: Mapping[str, pa.Array[Any]],
) -> pa.RecordBatch:
    """The window's `kept` columns, the answer's `values` (null for failed rows) and the three failure columns.

    error: reason code, null where answered; detail: for people; original: the failed row as JSON, an empty object
    where it failed because nobody ever recorded it: such rows may be many, and their key finds them in the tables.
    """
    failures = [result if isinstance(result, Failure) else None for result in results]
    columns: dict[str, pa.Array[Any]] = {name: _plain(window.column(name)) for name in kept}
    columns.update(values)
    columns["error"] = pa.array([failure and failure.reason for failure in failures], pa.string())
    columns["detail"] = pa.array([failure and failure.detail for failure in failures], pa.string())
    columns["original"] = pa.array(_originals(window, failures), pa.string())
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def field(results: Sequence[Answer | Failure], pick: Callable[[Answer], object], kind: pa.DataType) -> pa.Array[Any]:
    """One column of the answers, null for failed rows."""
    return pa.array([None if isinstance(result, Failure) else pick(result) for result in results], kind)


def conversations(window: pa.RecordBatch, name: str = "messages") -> list[list[dict[str, str]] | None]:
    """The messages of every row as Python values; None where they are null, empty, or hold a null."""
    rows: list[list[dict[str, Any]] | None] = window.column(name).to_pylist()
    return [messages if messages and all(map(_whole, messages)) else None for messages in rows]


def _whole(message: Mapping[str, Any] | None) -> bool:
    return message is not None and message.get("role") is not None and message.get("content") is not None


def _originals(window: pa.RecordBatch, failures: Sequence[Failure | None]) -> list[str | None]:
    return [None if failure is None else _original(window, index, failure) for index, failure in enumerate(failures)]


def _original(window: pa.RecordBatch, index: int, failure: Failure) -> str:
    # Only failed rows become Python objects.
    row = {} if failure.reason == NOT_RECORDED else window.slice(index, 1).to_pylist()[0]
    return json.dumps(row, ensure_ascii=False, default=str)


def _plain(column: pa.Array[Any]) -> pa.Array[Any]:
    """Spark may send large strings (a session setting); the staged schema has plain ones."""
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column
