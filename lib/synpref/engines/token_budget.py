"""How many tokens a batch holds, by a short measurement of the loaded model on the device at hand.

A processor is fastest while a batch stays in its cache, a GPU only once a batch fills it. Answers depend on it within
the tolerance that they depend on their batch with.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable

_LOG = logging.getLogger(__name__)
_SMALLEST = {"cpu": 1024, "cuda": 8192}
_DOUBLINGS = 3
_LEAST = 256  # tokens of a batch, where the smallest does not fit the memory
_GAIN = 1.1  # less could be noise, and would not pay for twice the memory
_SECONDS = 1.0  # of one batch: a model that is slower is not measured further
_ROUNDS = 3
_TOKENS = 256  # of the rows that are timed, at most
_known: dict[Hashable, int] = {}  # of this process: a run scores with many models of one shape


def measured_token_budget(
    run: Callable[[int, int], object],
    max_tokens: int,
    device: str,
    shape: Hashable,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """The budget at which `run(budget, tokens of a row)`, one full batch, takes the least time a token.

    Doubled from 1,024 tokens on a processor, 8,192 on a GPU, to eight times as many, while each doubling makes a token
    a tenth cheaper, a batch stays below a second and fits the memory. max_tokens: of the longest row that will come;
    batches of such rows must fit on a GPU as well, unless it is one by itself. shape: what else the time hangs on;
    equal ones are measured once a process.
    """
    kind = "cuda" if device.startswith("cuda") else "cpu"
    key = (device, max_tokens, shape)
    if key not in _known:
        _known[key] = _climb(run, _SMALLEST[kind], min(max_tokens, _TOKENS), clock)
        least = max(max_tokens, _LEAST)  # of longer rows each is a batch of its own: fewer tokens change nothing
        while kind == "cuda" and _known[key] > least and not _fits(run, _known[key], max_tokens):
            _known[key] = max(_known[key] // 2, least)
        _LOG.info("%s: batches of %d tokens", device, _known[key])
    return _known[key]


def _climb(run: Callable[[int, int], object], budget: int, tokens: int, clock: Callable[[], float]) -> int:
    start = clock()
    while not _fits(run, budget, tokens):  # also warms up, so it is not timed
        if budget <= _LEAST:
            return budget
        budget //= 2
    if clock() - start > 2 * _SECONDS:
        return budget  # far too slow, however warm
    least = _seconds(run, budget, tokens, clock)
    for _ in range(_DOUBLINGS):
        if 2 * least > _SECONDS or not _fits(run, 2 * budget, tokens):
            break
        twice = _seconds(run, 2 * budget, tokens, clock)
        if twice * _GAIN > 2 * least:
            break
        budget, least = 2 * budget, twice
    return budget


def _seconds(run: Callable[[int, int], object], budget: int, tokens: int, clock: Callable[[], float]) -> float:
    """The least of some rounds, or of one where that is slow."""
    least = float("inf")
    for _ in range(_ROUNDS):
        start = clock()
        run(budget, tokens)
        least = min(least, clock() - start)
        if least > _SECONDS:
            break
    return least


def _fits(run: Callable[[int, int], object], budget: int, tokens: int) -> bool:
    """Whether a batch finds the memory that it needs."""
    import torch

    try:
        run(budget, tokens)
    except torch.OutOfMemoryError:
        fits = False
    else:
        fits = True
    if not fits and torch.cuda.is_available():
        torch.cuda.empty_cache()  # only now does nothing hold the batch any more
    return fits
