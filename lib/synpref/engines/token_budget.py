"""How many tokens a batch holds, by a short measurement of the loaded model on the device at hand.

A processor is fastest while a batch stays in its cache, a GPU only once a batch fills it. No answer depends on it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable

_LOG = logging.getLogger(__name__)
_SMALLEST = {"cpu": 1024, "cuda": 8192}
_DOUBLINGS = 3
_GAIN = 1.03  # fewer seconds a token that are worth a batch of twice the memory
_SECONDS = 1.0  # of one batch: a model that is slower is not measured further
_ROUNDS = 2
_known: dict[Hashable, int] = {}  # of this process: a run scores with many models of one shape


def measured_token_budget(
    run: Callable[[int], object], device: str, shape: Hashable, clock: Callable[[], float] = time.perf_counter
) -> int:
    """The budget at which `run(budget)`, one full batch of so many tokens, takes the least time a token.

    Doubled from 1,024 tokens on a processor, 8,192 on a GPU, to eight times as many, while each doubling makes a token
    cheaper, a batch stays below a second and fits the memory. shape: what else the time hangs on; equal ones are
    measured once a process.
    """
    kind = "cuda" if device.startswith("cuda") else "cpu"
    key = (kind, shape)
    if key not in _known:
        _known[key] = _climb(run, _SMALLEST[kind], clock)
        _LOG.info("%s: batches of %d tokens", device, _known[key])
    return _known[key]


def _climb(run: Callable[[int], object], budget: int, clock: Callable[[], float]) -> int:
    least = _seconds(run, budget, clock)
    for _ in range(_DOUBLINGS):
        if 2 * least > _SECONDS:
            break
        twice = _seconds(run, 2 * budget, clock)
        if twice > 2 * least / _GAIN:
            break
        budget, least = 2 * budget, twice
    return budget


def _seconds(run: Callable[[int], object], budget: int, clock: Callable[[], float]) -> float:
    """The least of the rounds, of which the first also warms up; infinite where the batch does not fit the memory."""
    import torch

    least = float("inf")
    for _ in range(_ROUNDS):
        start = clock()
        try:
            run(budget)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            return float("inf")
        least = min(least, clock() - start)
        if least > _SECONDS:
            break
    return least
