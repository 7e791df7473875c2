"""Where responses lie in a feature store: what there are many of lies on disk, so memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synpref.reward.columns import Column, Columns
from synpref.reward.ids import Keys
from synpref.reward.sorted_runs import KEYS_AT_ONCE, SortedRuns

_NOWHERE = -1
_COLUMNS = (np.int32, np.int64, np.int32, np.bool_)


@dataclass(frozen=True)
class Places:
    """One value a response: its chunk (-1: the store lacks it), first token there, tokens, and whether it was cut."""

    chunk: NDArray[np.int32]
    start: NDArray[np.int64]
    length: NDArray[np.int32]
    truncated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.chunk)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All four."""
        return self.chunk, self.start, self.length, self.truncated

    def absent(self) -> Iterator[NDArray[np.int64]]:
        """Rows of the responses that the store lacks, some at a time, none without any."""
        for start in range(0, len(self), KEYS_AT_ONCE):
            rows = np.flatnonzero(self.chunk[start : start + KEYS_AT_ONCE] == _NOWHERE) + start
            if len(rows):
                yield rows

    def usable(self, folder: Path | None = None) -> NDArray[np.bool_]:
        """Which of the responses have tokens; see `Columns` for `folder`."""
        found = Columns(len(self), [np.bool_], folder)
        for start in range(0, len(self), KEYS_AT_ONCE):
            found.put(self.length[start : start + KEYS_AT_ONCE] > 0)
        (usable,) = found.done()
        return usable

    def at(self, rows: NDArray[Any]) -> Self:
        """The places of these rows."""
        return type(self)(*(column[rows] for column in self.columns))


@dataclass
class PlaceIndex:
    """Places by key. folder: see `Columns`."""

    folder: Path | None = None
    _runs: SortedRuns = field(init=False)

    def __post_init__(self) -> None:
        """Begin without any."""
        self._runs = SortedRuns(_COLUMNS, self.folder)

    def add(self, keys: Keys, places: Places) -> None:
        """Take in the responses of one more chunk; what was there before stays where it was."""
        self._runs.add(keys, places.columns)

    def find(self, keys: Keys) -> Places:
        """The places of these keys, in their order; absent where no chunk holds one."""
        found = Columns(len(keys), _COLUMNS, self.folder)
        for start in range(0, len(keys), KEYS_AT_ONCE):
            found.put(*self._runs.find(np.array(keys[start : start + KEYS_AT_ONCE]), (_NOWHERE, 0, 0, False)))
        return Places(*found.done())
