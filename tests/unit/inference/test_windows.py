"""Windows over Arrow batches: same rows, same order, bounded."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.inference.windows import windows


def batch(texts: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())})


def texts_of(found: list[pa.RecordBatch]) -> list[str | None]:
    return [text for window in found for text in window.column("text").to_pylist()]


@settings(deadline=None)  # the first use of a pyarrow table imports pandas
@given(st.lists(st.lists(st.text(max_size=5), max_size=9), max_size=8), st.integers(1, 7))
def test_windows_keep_rows_and_order_and_fill_up_to_their_size(batches: list[list[str]], rows: int) -> None:
    found = list(windows([batch(texts) for texts in batches], rows))
    everything = [text for texts in batches for text in texts]
    assert texts_of(found) == everything
    sizes = [window.num_rows for window in found]
    assert all(size == rows for size in sizes[:-1])
    assert not sizes or 1 <= sizes[-1] <= rows


def test_a_window_of_long_texts_ends_near_the_byte_cap() -> None:
    found = list(windows([batch(["x" * 1000] * 100)], rows=100, max_bytes=10_000))
    assert texts_of(found) == ["x" * 1000] * 100
    assert len(found) >= 9
    assert max(window.nbytes for window in found) <= 10_000


def test_one_row_above_the_byte_cap_passes_alone() -> None:
    found = list(windows([batch(["x" * 50_000, "y"])], rows=10, max_bytes=1_000))
    assert [window.num_rows for window in found] == [1, 1]


def test_the_stream_is_read_no_further_than_the_window_needs() -> None:
    read: list[int] = []

    def stream() -> Iterator[pa.RecordBatch]:
        for number in range(10):
            read.append(number)
            yield batch(["a", "b"])

    next(iter(windows(stream(), rows=4)))
    assert read == [0, 1]


def test_batches_without_rows_give_no_window() -> None:
    assert list(windows([batch([]), batch([])])) == []
