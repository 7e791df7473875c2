"""Optimiser steps: micro-batches of a comparison graph added up to a global batch, and each process's share of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synpref.reward.graph import Batch, Limits, one_pass
from synpref.reward.rows import Comparisons


class Step(NamedTuple):
    """Micro-batches of one optimiser step. comparisons: of the whole step, whichever process computes them."""

    parts: list[Batch]
    comparisons: int


def steps(comparisons: Comparisons, limits: Limits, seed: int, pairs: int | None) -> Iterator[Step]:
    """Yield steps without end, each comparison once in every pass over the data.

    pairs: comparisons of a step; the last of a pass has what is left. None: a step is one micro-batch within the
    limits. A micro-batch that a step has no more room for is cut, and its rest opens the next step.
    """
    random = np.random.default_rng(seed)
    while True:
        yield from _steps_of_pass(one_pass(comparisons, limits, random), pairs)


def count_steps(comparisons: Comparisons, limits: Limits, seed: int, pairs: int | None, epochs: float) -> int:
    """How many steps `epochs` passes take, at least one. Without `pairs` the passes are gone through to see."""
    whole = math.floor(epochs)
    if pairs is not None:
        a_pass = math.ceil(len(comparisons) / pairs)
        return max(1, whole * a_pass + round((epochs - whole) * a_pass))
    random = np.random.default_rng(seed)
    sizes = [sum(1 for _ in one_pass(comparisons, limits, random)) for _ in range(math.ceil(epochs))]
    return max(1, sum(sizes[:whole]) + (round((epochs - whole) * sizes[-1]) if epochs > whole else 0))


def share_of(step: Step, rank: int, processes: int) -> Step:
    """What one of several processes computes of a step: as many micro-batches as every other.

    Where they do not come out even, the largest are cut in two. What cannot be cut is followed by micro-batches
    without comparisons, which add nothing to the gradient: all processes must take part in what they do together.
    """
    parts = list(step.parts)
    while len(parts) % processes:
        largest = max(range(len(parts)), key=lambda index: len(parts[index].chosen))
        if len(parts[largest].chosen) < 2:
            parts.append(split(parts[0], 0)[0])
            continue
        parts[largest : largest + 1] = split(parts[largest], len(parts[largest].chosen) // 2)
    return Step(parts[rank::processes], step.comparisons)


def split(batch: Batch, rows: int) -> tuple[Batch, Batch]:
    """The first `rows` comparisons of a batch and the others, each with the responses that it needs.

    No rows: a batch of two responses without a comparison, and all the others.
    """
    return _part(batch, np.arange(rows)), _part(batch, np.arange(rows, len(batch.chosen)))


def _part(batch: Batch, rows: NDArray[np.int64]) -> Batch:
    chosen, rejected = batch.chosen[rows], batch.rejected[rows]
    needed = np.unique(np.concatenate([chosen, rejected])) if len(rows) else np.arange(2)
    return Batch(batch.responses[needed], np.searchsorted(needed, chosen), np.searchsorted(needed, rejected))


def _steps_of_pass(found: Iterator[Batch], pairs: int | None) -> Iterator[Step]:
    held: list[Batch] = []
    room = pairs or 0
    for whole in found:
        if pairs is None:
            yield Step([whole], len(whole.chosen))
            continue
        batch = whole
        while len(batch.chosen) >= room:
            head, batch = split(batch, room)
            yield Step([*held, head], pairs)
            held, room = [], pairs
        if len(batch.chosen):
            held.append(batch)
            room -= len(batch.chosen)
    if held:
        yield Step(held, sum(len(batch.chosen) for batch in held))
