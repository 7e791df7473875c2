"""Label noise on purpose: a seeded share of comparisons carries the opposite label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from synpref.pairs.columns import hash128_column
from synpref.pairs.identity import hash128

if TYPE_CHECKING:
    from pyspark.sql import Column

_DIGITS = 12  # hex digits of the hash that decide: 48 bits, exact in a double
_HASHES = 16.0**_DIGITS
_SWAPPED = {"a": "b", "b": "a"}


def is_flipped(comparison_id: str, share: float, seed: int) -> bool:
    """Whether noise strikes: the hash of seed and comparison lies in the first `share` (0 to 1) of all hashes."""
    return int(hash128("noise", str(seed), comparison_id)[:_DIGITS], 16) < share * _HASHES


def flip_label(label: str, comparison_id: str, share: float, seed: int) -> str:
    """The label after noise; only a and b have an opposite."""
    return _SWAPPED.get(label, label) if is_flipped(comparison_id, share, seed) else label


def flipped_column(share: float, seed: int) -> Column:
    """Twin of `is_flipped` over comparison_id."""
    digest = hash128_column(sf.lit("noise"), sf.lit(str(seed)), sf.col("comparison_id"))
    return sf.conv(sf.substring(digest, 1, _DIGITS), 16, 10).cast("bigint") < sf.lit(share * _HASHES)


def flip_label_column(label: Column, share: float, seed: int) -> Column:
    """Twin of `flip_label` over comparison_id and the given label."""
    opposite = sf.when(label == "a", "b").when(label == "b", "a").otherwise(label)
    return sf.when(flipped_column(share, seed), opposite).otherwise(label)
