"""A table by key that grows: sorted runs of its rows, merged piece by piece, of which the long ones lie on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synpref.reward.columns import Column, Columns
from synpref.reward.ids import KEY, Keys, contains

KEYS_AT_ONCE = 262_144


class Run(NamedTuple):
    """Distinct keys in their order, and the columns beside them."""

    keys: Keys
    columns: Sequence[Column]

    def __len__(self) -> int:
        return len(self.keys)

    def part(self, start: int, end: int) -> Run:
        """Rows start to end, in memory."""
        return Run(np.array(self.keys[start:end]), [np.array(column[start:end]) for column in self.columns])


class SortedRuns:
    """Rows by key; of equal keys the one that was added first stays. Few runs to look through, little to sort.

    dtypes: of the columns beside the key. folder: see `Columns`.
    """

    def __init__(self, dtypes: Sequence[Any], folder: Path | None = None) -> None:
        self._dtypes = dtypes
        self._folder = folder
        self._runs: list[Run] = []

    def __len__(self) -> int:
        """Rows in all runs: a key that was added twice may count twice."""
        return sum(len(run) for run in self._runs)

    def add(self, keys: Keys, columns: Sequence[Column]) -> None:
        """Take in rows; so many that they fit memory."""
        self._runs.append(_sorted([Run(keys, columns)]))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            self._runs[-2:] = [self._merged(*self._runs[-2:])]

    def find(self, keys: Keys, absent: Sequence[object]) -> list[Column]:
        """The columns of these keys, in their order; the values `absent` where a key is not held."""
        kinds = zip(absent, self._dtypes, strict=True)
        found = [np.full(len(keys), value, dtype=dtype) for value, dtype in kinds]
        for wanted, run, rows in self._hits(keys):
            for column, held in zip(found, run.columns, strict=True):
                column[wanted] = held[rows]
        return found

    def holds(self, keys: Keys) -> NDArray[np.bool_]:
        """Which of the keys are held."""
        held = np.zeros(len(keys), dtype=np.bool_)
        for wanted, _, _ in self._hits(keys):
            held[wanted] = True
        return held

    def _hits(self, keys: Keys) -> Iterator[tuple[NDArray[np.int64], Run, NDArray[np.int64]]]:
        """Positions among the keys, the run that holds them, and the rows there."""
        wanted = np.arange(len(keys))
        for run in self._runs:
            hit = contains(run.keys, keys[wanted])
            yield wanted[hit], run, np.searchsorted(run.keys, keys[wanted[hit]])
            wanted = wanted[~hit]
            if not len(wanted):
                return

    def _merged(self, first: Run, second: Run) -> Run:
        written = Columns(len(first) + len(second), [KEY, *self._dtypes], self._folder)
        for parts in _pieces(first, second):
            whole = _sorted(parts)
            written.put(whole.keys, *whole.columns)
        keys, *columns = written.done()
        return Run(keys, columns)


def _pieces(first: Run, second: Run) -> Iterator[list[Run]]:
    """Cut two runs at the same keys, so that no piece of either has more than KEYS_AT_ONCE rows."""
    runs, starts = (first, second), [0, 0]
    while starts[0] < len(first) or starts[1] < len(second):
        ahead = [run.keys[start : start + KEYS_AT_ONCE + 1] for run, start in zip(runs, starts, strict=True)]
        cuts = [keys[-1:] for keys in ahead if len(keys) > KEYS_AT_ONCE]
        cut = np.sort(np.concatenate(cuts))[:1] if cuts else None
        ends = [
            start + (len(keys) if cut is None else int(np.searchsorted(keys, cut)[0]))
            for start, keys in zip(starts, ahead, strict=True)
        ]
        yield [run.part(start, end) for run, start, end in zip(runs, starts, ends, strict=True)]
        starts = ends


def _sorted(parts: Sequence[Run]) -> Run:
    """One run, sorted by key; of equal keys the one of the earliest part stays."""
    keys = np.concatenate([part.keys for part in parts])
    columns = [np.concatenate(column) for column in zip(*(part.columns for part in parts), strict=True)]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    return Run(keys[first], [column[order[first]] for column in columns])
