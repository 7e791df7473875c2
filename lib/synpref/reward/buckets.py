"""Records on disk, cut into buckets: what is too much for memory is worked on bucket by bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKET = 131_072  # records that one bucket holds, about
MOST = 256  # buckets; files of two sets of them are open at once


class Buckets:
    """Files of records of one dtype, written in any order, and then read once, whole, one after another."""

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any], count: int) -> None:
        self.count = count
        self.dtype = dtype
        self._paths = [folder / f"{name}-{number}.bucket" for number in range(count)]
        self._stack = ExitStack()
        self._files = [self._stack.enter_context(path.open("wb")) for path in self._paths]

    def put(self, bucket: NDArray[np.int64], columns: Mapping[str, NDArray[Any]]) -> None:
        """Append records, given by column, each to its bucket; within a bucket their order stays."""
        records = np.empty(len(bucket), dtype=self.dtype)
        for name, column in columns.items():
            records[name] = column
        order = np.argsort(bucket, kind="stable")
        records = records[order]
        ends = np.searchsorted(bucket[order], np.arange(self.count + 1))
        for number in np.flatnonzero(np.diff(ends)):
            self._files[number].write(records[ends[number] : ends[number + 1]].tobytes())

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """The records of each bucket; its file is gone then."""
        self._stack.close()
        for path in self._paths:
            yield np.fromfile(path, dtype=self.dtype)
            path.unlink()


def buckets_for(records: int) -> int:
    """How many buckets hold so many records."""
    return max(1, min(MOST, -(-records // BUCKET)))


def by_range(places: NDArray[Any], total: int, count: int) -> NDArray[np.int64]:
    """The bucket of places 0 .. total - 1, each bucket a run of them."""
    return places.astype(np.int64) * count // total
