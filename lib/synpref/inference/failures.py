"""One bad row is one bad row: what fails is found by halving; what no row is to blame for stops the task."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from synpref.engines.failure import DETAIL_CHARACTERS, ENGINE_ERROR, OUT_OF_MEMORY, ROW_REFUSED, Failure
from synpref.errors import DeviceError, EngineError, InputError, RowError

_LOG = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

FATAL = (EngineError, InputError, MemoryError, OSError, ImportError, AttributeError, NameError)
# By name, so that no torch or vLLM is imported to tell: after these a CUDA context or an engine answers nothing more.
_BROKEN = ("AcceleratorError", "EngineDeadError")
_BROKEN_WORDS = "CUDA error"  # a RuntimeError of a torch that knows no AcceleratorError


def attempt(
    call: Callable[[list[Item]], Sequence[Answer | Failure]],
    items: Sequence[Item],
    at_once: Callable[[], Sequence[Answer | Failure]] | None = None,
) -> list[Answer | Failure]:
    """An answer or a Failure for every item, in order.

    A Failure that the call itself gives for an item stands. Where it raises, its items are halved until the failing
    ones stand alone, so a bad row costs about 2 log2(n) more calls and no neighbour. Errors that no row is to blame for
    (FATAL: memory, files, missing code, EngineError, InputError) are raised at once, and so is a call that answers
    another number of items than it was given; a broken device or engine is raised as DeviceError. A RowError is its
    item's own, and an item that does not fit into memory by itself is lost (`out_of_memory`). at_once: answers all
    items, for the first try.
    """
    if not items:
        return []
    answers = _tried(call, items, at_once)
    if isinstance(answers, Failure):
        if answers.reason == OUT_OF_MEMORY:
            _free_device_memory()
        if at_once is not None:
            return attempt(call, items)
        if len(items) == 1:
            return [answers]
        half = len(items) // 2
        return attempt(call, items[:half]) + attempt(call, items[half:])
    if len(answers) != len(items):
        raise EngineError(f"the engine answered {len(answers)} of {len(items)} items; nothing of the shard was kept")
    return answers


def _tried(
    call: Callable[[list[Item]], Sequence[Answer | Failure]],
    items: Sequence[Item],
    at_once: Callable[[], Sequence[Answer | Failure]] | None,
) -> list[Answer | Failure] | Failure:
    """The answers of one call, or why it failed, without the error: by its traceback it would hold all that the call
    had made on the device, while the halves are tried. Raises as `attempt`.
    """
    try:
        return list(call(list(items)) if at_once is None else at_once())
    except Exception as error:
        if isinstance(error, FATAL) and not isinstance(error, RowError):
            raise
        if _broken(error):
            raise DeviceError(f"the device or engine broke: {error}") from error
        if _out_of_memory(error):
            told = "%d rows take more memory than the device has (%s); lower token_budget"
            _LOG.warning(told, len(items), str(error))  # a log may keep what it is given
        return _failure(error)


def _free_device_memory() -> None:
    """Give back what torch keeps of a GPU for later, where this process computes on one."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


def _failure(error: Exception) -> Failure:
    if isinstance(error, RowError):
        return Failure(ROW_REFUSED, str(error)[:DETAIL_CHARACTERS])
    reason = OUT_OF_MEMORY if _out_of_memory(error) else ENGINE_ERROR
    return Failure(reason, f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS])


def _broken(error: Exception) -> bool:
    return bool(_kinds(error).intersection(_BROKEN)) or (_BROKEN_WORDS in str(error) and not _out_of_memory(error))


def _out_of_memory(error: Exception) -> bool:
    return "OutOfMemoryError" in _kinds(error)


def _kinds(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
