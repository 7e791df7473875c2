"""Records on disk, cut into buckets: what is too much for memory is worked on bucket by bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

BUCKET = 131_072  # records that one bucket holds, about
MOST = 128  # buckets; files of at most two sets of them are open at once, far below the usual limit of 1,024 a process


class Buckets:
    """Files of records of one dtype, written in any order, and then read once, whole, one after another.

    They are open from the first record on until they are closed or read.
    """

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any], count: int) -> None:
        self.count = count
        self.dtype = dtype
        self._paths = [folder / f"{name}-{number}.bucket" for number in range(count)]
        self._stack = ExitStack()
        self._files: list[BinaryIO] = []

    def put(self, bucket: NDArray[np.int64], columns: Mapping[str, NDArray[Any]]) -> None:
        """Append records, given by column, each to its bucket; within a bucket their order stays."""
        self._open()
        records = np.empty(len(bucket), dtype=self.dtype)
        for name, column in columns.items():
            records[name] = column
        order = np.argsort(bucket, kind="stable")
        records = records[order]
        ends = np.searchsorted(bucket[order], np.arange(self.count + 1))
        for number in np.flatnonzero(np.diff(ends)):
            self._files[number].write(records[ends[number] : ends[number + 1]].tobytes())

    def close(self) -> None:
        """Nothing more will be put: no file stays open. Without any record there are files all the same."""
        self._open()
        self._stack.close()

    def _open(self) -> None:
        if not self._files:
            self._files = [self._stack.enter_context(path.open("wb")) for path in self._paths]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """The records of each bucket; its file is gone then."""
        self.close()
        for path in self._paths:
            yield np.fromfile(path, dtype=self.dtype)
            path.unlink()


def buckets_for(records: int) -> int:
    """How many buckets hold so many records."""
    return max(1, min(MOST, -(-records // BUCKET)))


def by_range(places: NDArray[Any], total: int, count: int) -> NDArray[np.int64]:
    """The bucket of places 0 .. total - 1, each bucket a run of them."""
    return places.astype(np.int64) * count // total
