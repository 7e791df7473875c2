"""A cache on disk of what the frozen part of a backbone makes of each response, shared by all models over it."""

from __future__ import annotations

import contextlib
import itertools
import os
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from synpref.errors import InputError
from synpref.reward.ids import keys_of
from synpref.reward.places import PlaceIndex, Places

NAMES = ["response_id", "start", "length", "truncated"]
Row = NDArray[np.float32] | NDArray[np.int32]


OPEN_FILES = 64


@dataclass(frozen=True)
class Chunk:
    """The array [tokens, width] in a .npy file, whose data begin at byte `offset`."""

    path: Path
    dtype: np.dtype[Any]
    width: int
    offset: int

    @classmethod
    def of(cls, path: Path) -> Chunk:
        """Look at a file. Raises ValueError where it is no such array or not whole, OSError where unreadable."""
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)  # reads the header, and data only when asked for
        if not mapped.flags.c_contiguous:
            raise ValueError("not in row order")
        return cls(path, mapped.dtype, mapped.shape[1], mapped.offset)


@dataclass
class FeatureStore:
    """Arrays [tokens, width] by response_id, read from disk one by one: never all in memory, nor mapped into it.

    A chunk is a .npy file of all its tokens and a .parquet file that says where each response lies; it counts once
    the latter stands, so that a kill leaves nothing half. Several processes may append: the first chunk by name wins.
    A response that the tokenisation refused has length 0.
    """

    folder: Path
    _index: PlaceIndex = field(init=False)
    _chunks: list[Chunk] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)
    _opened: Callable[[Path], BinaryIO] = field(default_factory=lambda: lru_cache(OPEN_FILES)(_open))

    def __post_init__(self) -> None:
        """Begin without having looked."""
        self._index = PlaceIndex(self.folder)

    def locate(self, response_ids: Sequence[str]) -> Places:
        """Where these responses lie, after a look at what others have appended."""
        self.refresh()
        return self.find(response_ids)

    def find(self, response_ids: Sequence[str]) -> Places:
        """Where these responses lie, without a look: what others have appended since the last one is not seen."""
        return self._index.find(keys_of(response_ids))

    def missing(self, response_ids: Iterable[str]) -> set[str]:
        """Those of the ids that the store does not hold, after a look at what others have appended."""
        names = list(response_ids)
        return {names[index] for rows in self.locate(names).absent() for index in rows}

    def append(self, response_ids: Sequence[str], rows: Sequence[Row], truncated: Sequence[bool]) -> None:
        """Add one chunk: arrays [tokens, width] of one type and width, one a response, and whether it was cut.

        No look at what others have appended: the folder is not listed for each chunk. Raises InputError where it cannot
        be written; what the store held stays, and nothing half is left.
        """
        name = uuid.uuid4().hex
        part = self.folder / f"{name}.part"
        lengths = [len(row) for row in rows]
        starts = list(itertools.accumulate(lengths, initial=0))[:-1]
        columns: list[pa.Array[Any]]
        columns = [pa.array(response_ids, pa.string()), pa.array(starts), pa.array(lengths), pa.array(truncated)]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                _save(file, rows)
            part.replace(part.with_suffix(".npy"))
            pq.write_table(pa.table(columns, names=NAMES), part)
            part.replace(part.with_suffix(".parquet"))
        except OSError as error:
            for half in (part, part.with_suffix(".npy")):
                with contextlib.suppress(OSError):
                    half.unlink(missing_ok=True)
            raise InputError(
                f"{part}: features could not be written ({error}). Make room on that disk; the same command run again "
                "computes what is missing, and training goes on from its last checkpoint"
            ) from error
        self._take(part.with_suffix(".parquet"))

    def row(self, places: Places, index: int) -> Row:
        """The array [tokens, width] of the response at this place, read-only. Raises KeyError where it is not held."""
        if places.chunk[index] < 0:
            raise KeyError(index)
        chunk = self._chunks[places.chunk[index]]
        length, width = int(places.length[index]), chunk.width * chunk.dtype.itemsize
        data = os.pread(
            self._opened(chunk.path).fileno(), length * width, chunk.offset + int(places.start[index]) * width
        )
        return np.frombuffer(data, dtype=chunk.dtype).reshape(length, chunk.width)

    def read(self, response_id: str) -> Row:
        """The same of one response by its id."""
        return self.row(self.locate([response_id]), 0)

    def lengths(self, response_ids: Sequence[str]) -> NDArray[np.int32]:
        """Tokens of each response; 0 where it was refused. Raises KeyError where one is not held."""
        return self.held(response_ids).length

    def held(self, response_ids: Sequence[str]) -> Places:
        """Where these responses lie. Raises KeyError where one is not held."""
        places = self.locate(response_ids)
        for rows in places.absent():
            raise KeyError(response_ids[int(rows[0])])
        return places

    def refresh(self) -> None:
        """Look at what others have appended, chunks by their names. Raises InputError naming one that is broken."""
        for index in sorted(self.folder.glob("*.parquet")):
            if index.stem not in self._names:
                self._take(index)

    def _take(self, index: Path) -> None:
        """Take in one chunk by its .parquet file."""
        try:
            table = pq.read_table(index, columns=NAMES)
            held = Chunk.of(index.with_suffix(".npy"))
        except (OSError, ValueError, pa.ArrowInvalid) as error:
            raise InputError(f"{index}: broken feature chunk ({error}); remove it, it will be made anew") from error
        self._names.add(index.stem)
        number = np.full(len(table), len(self._chunks), dtype=np.int32)
        start, length, truncated = (table[name].to_numpy() for name in NAMES[1:])
        places = Places(number, start.astype(np.int64), length.astype(np.int32), truncated.astype(np.bool_))
        self._chunks.append(held)
        self._index.add(keys_of([str(name) for name in table["response_id"].to_pylist()]), places)


def _save(file: BinaryIO, rows: Sequence[Row]) -> None:
    """Write the rows as one array in numpy's format, one after the other: joined first, all would be there twice."""
    shape = (sum(map(len, rows)), *rows[0].shape[1:])
    npy: Any = np.lib.format  # its functions have no types
    header = {"descr": npy.dtype_to_descr(rows[0].dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, header)
    for row in rows:
        file.write(row.tobytes())


def _open(path: Path) -> BinaryIO:
    return path.open("rb")
