"""Seeded draws: a number that depends on the seed, the purpose and the key, on nothing else."""

from __future__ import annotations

import hashlib

from pyspark.sql import Column
from pyspark.sql import functions as F

_DIGITS = 13  # hex digits: 52 bits, exact in a double


def draw(seed: int, purpose: str, key: str) -> float:
    """Uniform in [0, 1); the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{key}".encode()).hexdigest()
    return int(digest[:_DIGITS], 16) / float(16**_DIGITS)


def draw_column(seed: int, purpose: str, key: Column) -> Column:
    """Column twin of draw."""
    digest = F.sha2(F.concat(F.lit(f"{seed}:{purpose}:"), key), 256)
    return F.conv(F.substring(digest, 1, _DIGITS), 16, 10).cast("double") / F.lit(float(16**_DIGITS))
