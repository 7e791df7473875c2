"""Two jobs may write one table: of two commits that cross, Delta refuses the later, and it goes again."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

ATTEMPTS = 10
_LONGEST_PAUSE = 8.0  # seconds
# By their codes: Delta 4.0's package for Python has no class for them.
_CONFLICT = re.compile(r"DELTA_(CONCURRENT|METADATA_CHANGED|PROTOCOL_CHANGED)")
_HALF_CREATED = re.compile(r"DELTA_(CREATE_TABLE_WITH_NON_EMPTY_LOCATION|TABLE_NOT_FOUND)")


def is_conflict(error: Exception) -> bool:
    """Whether the error says that another job's commit came between."""
    return _CONFLICT.search(str(error)) is not None


def is_half_created(error: Exception) -> bool:
    """Whether the error is what CREATE TABLE meets of a table whose first commit another job is just writing.

    A folder that holds other files looks the same, and keeps on looking so.
    """
    return is_conflict(error) or _HALF_CREATED.search(str(error)) is not None


def settled(commit: Callable[[], Result], crossed: Callable[[Exception], bool] = is_conflict) -> Result:
    """Do the commit, and again where another job's came between; what is inserted first still wins.

    crossed: whether an error says so. Raises what the commit raises, a conflict only after ten attempts.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return commit()
        except Exception as error:
            if not crossed(error):
                raise
        # jobs that met once are not to meet again at each attempt
        time.sleep(random.SystemRandom().uniform(0, min(_LONGEST_PAUSE, 0.1 * 2**attempt)))
    return commit()
