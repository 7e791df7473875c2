"""Columns of numbers that are written part by part: few in memory, many in files without a name, mapped."""

from __future__ import annotations

import contextlib
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

    Many rows go to files that are gone with this process: in the folder given, which is made, or, where it cannot be
    written to or none is given, among the temporary files. Raises InputError where there is no room for them.
    """

    def __init__(self, rows: int, dtypes: Sequence[Any], folder: Path | None = None) -> None:
        self._dtypes = [np.dtype(dtype) for dtype in dtypes]
        self._parts: list[list[Column]] = [[] for _ in self._dtypes]
        self._files: list[IO[bytes]] = []
        self._place = ""
        if rows > IN_MEMORY:
            with ExitStack() as opened:  # of files that are opened in vain none stays open
                for _ in self._dtypes:
                    file, self._place = _file(folder)
                    self._files.append(opened.enter_context(file))
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
                raise InputError(_no_room(self._place, error)) from error

    def done(self) -> list[Column]:
        """The columns, read-only where they lie on disk."""
        if not self._files:
            kinds = zip(self._parts, self._dtypes, strict=True)
            return [np.concatenate([*parts, np.empty(0, dtype)]) for parts, dtype in kinds]
        return [_mapped(file, dtype, self._place) for file, dtype in zip(self._files, self._dtypes, strict=True)]


def _file(folder: Path | None) -> tuple[IO[bytes], str]:
    """A file, and the folder that took it."""
    tried = [tempfile.gettempdir()]
    if folder:
        tried.insert(0, str(folder))
        with contextlib.suppress(OSError):  # a feature store has no folder before its first chunk
            folder.mkdir(parents=True, exist_ok=True)
    for place in tried:
        try:
            return tempfile.TemporaryFile(dir=place), place
        except OSError as error:
            reason = error
    raise InputError(_no_room(" nor ".join(tried), reason))


def _mapped(file: IO[bytes], dtype: np.dtype[Any], place: str) -> Column:
    try:
        file.flush()
    except OSError as error:
        raise InputError(_no_room(place, error)) from error
    with file:  # what is mapped stays
        return np.asarray(np.memmap(file, dtype, mode="r")) if file.tell() else np.empty(0, dtype)


def _no_room(place: str, error: OSError) -> str:
    return f"{place}: numbers of responses could not be written there ({error}). Make room on that disk"
