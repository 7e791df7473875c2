"""One bad row is one bad row: what fails is found by halving; what no row is to blame for stops the task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from synpref.engines.failure import DETAIL_CHARACTERS, ENGINE_ERROR, Failure
from synpref.errors import EngineError, InputError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

FATAL = (EngineError, InputError, MemoryError, OSError, ImportError, AttributeError, NameError)


def attempt(
    call: Callable[[list[Item]], Sequence[Answer | Failure]],
    items: Sequence[Item],
    at_once: Callable[[], Sequence[Answer | Failure]] | None = None,
) -> list[Answer | Failure]:
    """An answer or a Failure for every item, in order.

    A Failure that the call itself gives for an item stands. Where it raises, its items are halved until the failing
    ones stand alone, so a bad row costs about 2 log2(n) more calls and no neighbour. Errors that no row is to blame for
    (FATAL: memory, files, missing code, EngineError, InputError) are raised at once, and so is a call that answers
    another number of items than it was given. at_once: answers all items, for the first try.
    """
    if not items:
        return []
    try:
        answers: list[Answer | Failure] = list(call(list(items)) if at_once is None else at_once())
    except FATAL:
        raise
    except Exception as error:
        if len(items) == 1 and at_once is None:
            return [Failure(ENGINE_ERROR, f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS])]
        if at_once is not None:
            return attempt(call, items)
        half = len(items) // 2
        return attempt(call, items[:half]) + attempt(call, items[half:])
    if len(answers) != len(items):
        raise EngineError(f"the engine answered {len(answers)} of {len(items)} items; nothing of the shard was kept")
    return answers
