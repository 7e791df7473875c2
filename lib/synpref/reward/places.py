"""Where responses lie in a feature store: some 33 bytes each in memory, however many there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synpref.reward.ids import Keys, contains

_NOWHERE = -1
KEYS_AT_ONCE = 262_144


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
    def absent(self) -> NDArray[np.bool_]:
        """Which of the responses the store lacks."""
        absent: NDArray[np.bool_] = self.chunk == _NOWHERE
        return absent

    def at(self, rows: NDArray[Any]) -> Self:
        """The places of these rows."""
        return type(self)(self.chunk[rows], self.start[rows], self.length[rows], self.truncated[rows])

    def put(self, rows: NDArray[Any] | slice, found: Places) -> None:
        """Write `found` into these rows, in place."""
        self.chunk[rows], self.start[rows] = found.chunk, found.start
        self.length[rows], self.truncated[rows] = found.length, found.truncated


def nowhere(count: int) -> Places:
    """Places of responses that no store holds."""
    chunk = np.full(count, _NOWHERE, dtype=np.int32)
    return Places(chunk, np.zeros(count, np.int64), np.zeros(count, np.int32), np.zeros(count, np.bool_))


def _merged(parts: list[tuple[Keys, Places]]) -> tuple[Keys, Places]:
    """Sorted by key; of equal keys the one of the earliest part stays."""
    keys = np.concatenate([keys for keys, _ in parts])
    columns = [(part.chunk, part.start, part.length, part.truncated) for _, part in parts]
    whole = Places(*(np.concatenate(column) for column in zip(*columns, strict=True)))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    return keys[first], whole.at(order[first])


@dataclass
class PlaceIndex:
    """Places by key, in sorted runs that are merged as they grow: few runs to look through, little to sort."""

    _runs: list[tuple[Keys, Places]] = field(default_factory=list)

    def add(self, keys: Keys, places: Places) -> None:
        """Take in the responses of one more chunk; what was there before stays where it was."""
        self._runs.append(_merged([(keys, places)]))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            self._runs[-2:] = [_merged(self._runs[-2:])]

    def find(self, keys: Keys) -> Places:
        """The places of these keys, in their order; absent where no chunk holds one."""
        found = nowhere(len(keys))
        for start in range(0, len(keys), KEYS_AT_ONCE):
            rows = slice(start, start + KEYS_AT_ONCE)
            found.put(rows, self._find(np.array(keys[rows])))
        return found

    def _find(self, keys: Keys) -> Places:
        found = nowhere(len(keys))
        wanted = np.arange(len(keys))
        for held, places in self._runs:
            hit = contains(held, keys[wanted])
            found.put(wanted[hit], places.at(np.searchsorted(held, keys[wanted[hit]])))
            wanted = wanted[~hit]
            if not len(wanted):
                break
        return found
