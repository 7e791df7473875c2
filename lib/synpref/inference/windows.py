"""Bounded windows over a stream of Arrow batches: enough rows to sort by length, never more than fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

WINDOW_ROWS = 1024
WINDOW_BYTES = 64 * 1024 * 1024


def windows(
    batches: Iterable[pa.RecordBatch], rows: int = WINDOW_ROWS, max_bytes: int = WINDOW_BYTES
) -> Iterator[pa.RecordBatch]:
    """The same rows in the same order, in windows of `rows` rows (the last may be shorter), fewer where they would
    pass `max_bytes`; a single row is never cut. Spark's own batch size does not matter, and empty batches vanish:
    mapInArrow gave 40 rows of 1 MB as one batch under a cap of 8 MB (spark.sql.execution.arrow.maxBytesPerBatch).
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        for piece in _pieces(batch, rows, max_bytes):
            rest = piece
            while rest.num_rows:
                if held and _size([*held, rest]) > max_bytes:
                    yield _joined(held)
                    held = []
                room = rows - _rows(held)
                held.append(rest.slice(0, room))
                rest = rest.slice(room)
                if _rows(held) == rows:
                    yield _joined(held)
                    held = []
    if held:
        yield _joined(held)


def _pieces(batch: pa.RecordBatch, rows: int, max_bytes: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch of long texts so that a piece stays at about the cap or below."""
    parts = _size([batch]) // max_bytes + 1
    step = max(1, min(rows, batch.num_rows // parts))
    for start in range(0, batch.num_rows, step):
        yield batch.slice(start, step)


def _rows(batches: list[pa.RecordBatch]) -> int:
    return sum(batch.num_rows for batch in batches)


def _size(batches: list[pa.RecordBatch]) -> int:
    # nbytes counts what a slice shows, not the buffers that it shares with its neighbours
    return sum(batch.nbytes for batch in batches)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
