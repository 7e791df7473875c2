"""Columns of numbers that are written part by part: few in memory, many in files without a name, mapped."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from synpref.errors import InputError

IN_MEMORY = 262_144  # rows; more lie on disk
Column = NDArray[Any]


class Columns:
    """Columns of one length, a part at a time; `rows` of them in all.

    Many rows go to files that are gone with this process: in the folder given, or, where it cannot be written to or
    none is given, among the temporary files. Raises InputError where there is no room for them.
    """

    def __init__(self, rows: int, dtypes: Sequence[Any], folder: Path | None = None) -> None:
        self._dtypes = [np.dtype(dtype) for dtype in dtypes]
        self._parts: list[list[Column]] = [[] for _ in self._dtypes]
        self._folder = folder
        self._files: list[IO[bytes]] = []
        if rows > IN_MEMORY:
            with ExitStack() as opened:  # of files that are opened in vain none stays open
                self._files = [opened.enter_context(_file(folder)) for _ in self._dtypes]
                opened.pop_all()

    def put(self, *columns: Column) -> None:
        """Append one part: a piece of each column."""
        for index, (column, dtype) in enumerate(zip(columns, self._dtypes, strict=True)):
            part = np.array(column, dtype=dtype)
            if not self._files:
                self._parts[index].append(part)
                continue
            try:
                self._files[index].write(part.tobytes())
            except OSError as error:
                raise InputError(_no_room(self._folder, error)) from error

    def done(self) -> list[Column]:
        """The columns, read-only where they lie on disk."""
        if not self._files:
            kinds = zip(self._parts, self._dtypes, strict=True)
            return [np.concatenate([*parts, np.empty(0, dtype)]) for parts, dtype in kinds]
        return [_mapped(file, dtype, self._folder) for file, dtype in zip(self._files, self._dtypes, strict=True)]


def _file(folder: Path | None) -> IO[bytes]:
    for place in (folder, None):
        try:
            return tempfile.TemporaryFile(dir=place)
        except OSError as error:
            reason = error
    raise InputError(_no_room(folder, reason))


def _mapped(file: IO[bytes], dtype: np.dtype[Any], folder: Path | None) -> Column:
    try:
        file.flush()
    except OSError as error:
        raise InputError(_no_room(folder, error)) from error
    with file:  # what is mapped stays
        return np.asarray(np.memmap(file, dtype, mode="r")) if file.tell() else np.empty(0, dtype)


def _no_room(folder: Path | None, error: OSError) -> str:
    where = folder or tempfile.gettempdir()
    return f"{where}: numbers of responses could not be written there ({error}). Make room on that disk"
