"""One bad row is one bad row: what fails is found by halving; what no row is to blame for stops the task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from synpref.engines.failure import DETAIL_CHARACTERS, ENGINE_ERROR, Failure
from synpref.errors import EngineError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

FATAL = (EngineError, MemoryError, OSError, ImportError, AttributeError, NameError)


def attempt(call: Callable[[list[Item]], Sequence[Answer | Failure]], items: Sequence[Item]) -> list[Answer | Failure]:
    """An answer or a Failure for every item, in order.

    A Failure that the call itself gives for an item stands. Where it raises, its items are halved until the failing
    ones stand alone, so a bad row costs about 2 log2(n) more calls and no neighbour. Errors that no row is to blame for
    (FATAL: memory, files, missing code, EngineError) are raised at once, and so is a call that answers another number
    of items than it was given.
    """
    if not items:
        return []
    try:
        answers: list[Answer | Failure] = list(call(list(items)))
    except FATAL:
        raise
    except Exception as error:
        if len(items) == 1:
            return [Failure(ENGINE_ERROR, f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS])]
        half = len(items) // 2
        return attempt(call, items[:half]) + attempt(call, items[half:])
    if len(answers) != len(items):
        raise EngineError(f"the engine answered {len(answers)} of {len(items)} items; nothing of the shard was kept")
    return answers
