"""Seeded choices that are the same on every machine and Python version, by hash instead of a generator with state."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TypeVar

from synpref.pairs.identity import hash128

T = TypeVar("T")
_HEX = 13  # 52 bits: exact in a double
_RANGE = float(1 << 4 * _HEX)


def uniform(*parts: str | int) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    return int(hash128(*(str(part) for part in parts))[:_HEX], 16) / _RANGE


class Draw:
    """A sequence of choices under one key; two with equal keys choose alike."""

    def __init__(self, *key: str | int) -> None:
        self._key = key
        self._steps = count()

    def number(self) -> float:
        """The next number in [0, 1)."""
        return uniform(*self._key, next(self._steps))

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.number() * (high - low + 1))

    def chance(self, share: float) -> bool:
        """True with the given probability."""
        return self.number() < share

    def choice(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely; raises IndexError where there are none."""
        return options[int(self.number() * len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All options in a random order."""
        keyed = sorted((self.number(), index) for index in range(len(options)))
        return [options[index] for _, index in keyed]

    def sample(self, options: Sequence[T], size: int) -> list[T]:
        """`size` different options in random order, or all where there are fewer."""
        return self.shuffled(options)[:size]
