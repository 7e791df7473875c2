"""Computing each distinct item of a list once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def distinct(items: Sequence[Item]) -> tuple[list[Item], list[int]]:
    """The distinct items in order of first appearance, and for each item its index among them."""
    places: dict[Item, int] = {}
    index = [places.setdefault(item, len(places)) for item in items]
    return list(places), index
