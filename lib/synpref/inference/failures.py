"""One bad row is one bad row: what fails is found by halving; what no row is to blame for stops the task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from synpref.errors import EngineError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MISSING_INPUT = "missing_input"
ENGINE_ERROR = "engine_error"
OVERLONG = "overlong"
REFUSALS = frozenset({OVERLONG})
FATAL = (EngineError, MemoryError, OSError, ImportError, AttributeError, NameError)
DETAIL_CHARACTERS = 500


@dataclass(frozen=True)
class Failure:
    """Why a row has no answer: a reason code and a detail for people."""

    reason: str
    detail: str


def attempt(call: Callable[[list[Item]], Sequence[Answer]], items: Sequence[Item]) -> list[Answer | Failure]:
    """An answer or a Failure for every item, in order.

    Where the call raises, its items are halved until the failing ones stand alone, so a bad row costs about 2 log2(n)
    more calls and no neighbour. Errors that no row is to blame for (FATAL: memory, files, missing code, EngineError)
    are raised at once, and so is a call that answers another number of items than it was given.
    """
    if not items:
        return []
    try:
        answers = list(call(list(items)))
    except FATAL:
        raise
    except Exception as error:
        if len(items) == 1:
            return [Failure(ENGINE_ERROR, f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS])]
        half = len(items) // 2
        return attempt(call, items[:half]) + attempt(call, items[half:])
    if len(answers) != len(items):
        raise EngineError(f"the engine answered {len(answers)} of {len(items)} items; nothing of the shard was kept")
    return [*answers]
