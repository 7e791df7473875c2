"""Batches of a comparison graph: responses that are compared often are encoded once for many comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synpref.reward.rows import Comparisons

Numbers = NDArray[np.int32]

BLOCKS_SHUFFLED = 16_384  # a bounded window: the order of a step's blocks is random, memory does not grow with the data

PROMPTS_AT_ONCE = 65_536
SHUFFLED_AT_ONCE = 1_048_576  # prompts
ORDER = 2  # of more prompts than that; another number with every change of what `shuffled` gives for them


class Limits(NamedTuple):
    """Of a batch: at most so many distinct responses, and so many tokens of them; lengths[i]: tokens of response i."""

    responses: int
    tokens: int
    lengths: NDArray[np.signedinteger[Any]]


class Batch(NamedTuple):
    """Distinct responses (numbers in Comparisons), and comparisons as positions in `responses`."""

    responses: NDArray[np.int64]
    chosen: NDArray[np.int64]
    rejected: NDArray[np.int64]


class Block(NamedTuple):
    """Comparisons (row numbers) of one prompt among the given responses."""

    responses: list[int]
    rows: list[int]


def batches(comparisons: Comparisons, limits: Limits, seed: int) -> Iterator[Batch]:
    """Yield batches without end, each comparison once in every pass over the data.

    A single comparison above the limit of tokens is a batch of its own. Prompts stay whole where they fit.
    """
    random = np.random.default_rng(seed)
    while True:
        yield from one_pass(comparisons, limits, random)


def oversized(comparisons: Comparisons, limits: Limits) -> int:
    """How many prompts have more responses, or tokens of them, than a batch holds: they are split over several."""
    order, starts = comparisons.grouped()
    found = 0
    for begin in range(0, len(starts) - 1, PROMPTS_AT_ONCE):
        bounds = starts[begin : begin + PROMPTS_AT_ONCE + 1]
        rows = order[bounds[0] : bounds[-1]]
        prompt = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)) << 32
        both = np.unique(np.concatenate([prompt | comparisons.chosen[rows], prompt | comparisons.rejected[rows]]))
        prompts, responses = both >> 32, both & 0xFFFF_FFFF
        tokens = np.bincount(prompts, weights=limits.lengths[responses])
        found += int(((np.bincount(prompts) > limits.responses) | (tokens > limits.tokens)).sum())
    return found


def one_pass(comparisons: Comparisons, limits: Limits, random: np.random.Generator) -> Iterator[Batch]:
    """Yield the batches of one pass over the data."""
    waiting: list[Block] = []
    tokens = 0
    for block in _shuffled(_all_blocks(comparisons, limits, random), random):
        size = int(limits.lengths[block.responses].sum())
        held = sum(len(other.responses) for other in waiting)
        if waiting and (held + len(block.responses) > limits.responses or tokens + size > limits.tokens):
            yield _batch(waiting, comparisons)
            waiting, tokens = [], 0
        waiting.append(block)
        tokens += size
    yield _batch(waiting, comparisons)


def _all_blocks(comparisons: Comparisons, limits: Limits, random: np.random.Generator) -> Iterator[Block]:
    order, starts = comparisons.grouped()
    for index in shuffled(len(starts) - 1, random):
        rows = random.permutation(order[starts[index] : starts[index + 1]])
        yield from blocks(rows.tolist(), comparisons.chosen, comparisons.rejected, limits)


def shuffled(count: int, random: np.random.Generator) -> Iterator[int]:
    """The numbers 0 .. count - 1 in random order, of which few are held at once.

    Of many each is drawn into one of some parts, and each part is shuffled by itself: every order is as likely as any
    other (Rao 1961). The draws are made anew for each part instead of being kept.
    """
    parts = -(-count // SHUFFLED_AT_ONCE)
    if parts <= 1:
        yield from random.permutation(count)
        return
    seed = int(random.integers(2**63))
    for part in range(parts):
        draws = np.random.default_rng(seed)
        found = [
            start + np.flatnonzero(draws.integers(parts, size=min(SHUFFLED_AT_ONCE, count - start)) == part)
            for start in range(0, count, SHUFFLED_AT_ONCE)
        ]
        yield from random.permutation(np.concatenate(found))


def order_version(comparisons: Comparisons) -> int | None:
    """By which version of `shuffled` the prompts are ordered; None: so few that all versions order them alike."""
    return ORDER if len(comparisons.grouped().starts) - 1 > SHUFFLED_AT_ONCE else None


def blocks(rows: list[int], chosen: Numbers, rejected: Numbers, limits: Limits) -> Iterator[Block]:
    """Cut the comparisons `rows` of one prompt into blocks of few responses with many comparisons among them.

    Greedy: a block starts at the first comparison that is left and takes in, one by one, the response that has most
    comparisons with it, until it is full. Each row comes out exactly once.
    """
    edges: dict[int, dict[int, int]] = {}  # response -> comparison -> the other response
    for row in rows:
        first, second = int(chosen[row]), int(rejected[row])
        edges.setdefault(first, {})[row] = second
        edges.setdefault(second, {})[row] = first
    left = dict.fromkeys(rows)
    while left:
        seed = next(iter(left))
        members = _grow(edges, int(chosen[seed]), int(rejected[seed]), limits)
        taken = sorted({row for member in members for row, other in edges[member].items() if other in members})
        for row in taken:
            del left[row], edges[int(chosen[row])][row], edges[int(rejected[row])][row]
        yield Block(sorted(members), taken)


def _grow(edges: dict[int, dict[int, int]], first: int, second: int, limits: Limits) -> set[int]:
    members: set[int] = set()
    links: dict[int, int] = {}  # response outside -> comparisons with members
    tokens = 0
    candidate: int | None = first
    while candidate is not None:
        members.add(candidate)
        tokens += int(limits.lengths[candidate])
        links.pop(candidate, None)
        for other in edges[candidate].values():
            if other not in members:
                links[other] = links.get(other, 0) + 1
        fits = [other for other in links if tokens + limits.lengths[other] <= limits.tokens]
        if second not in members:
            candidate = second
        elif fits and len(members) < limits.responses:
            candidate = max(fits, key=links.__getitem__)
        else:
            candidate = None
    return members


def _shuffled(found: Iterator[Block], random: np.random.Generator) -> Iterator[Block]:
    window: list[Block] = []
    for block in found:
        window.append(block)
        if len(window) >= BLOCKS_SHUFFLED:
            position = int(random.integers(len(window)))
            window[position], window[-1] = window[-1], window[position]
            yield window.pop()
    for position in random.permutation(len(window)):
        yield window[position]


def _batch(parts: list[Block], comparisons: Comparisons) -> Batch:
    responses = np.unique(np.concatenate([block.responses for block in parts]))
    rows = np.concatenate([block.rows for block in parts]).astype(np.int64)
    chosen = np.searchsorted(responses, comparisons.chosen[rows])
    rejected = np.searchsorted(responses, comparisons.rejected[rows])
    return Batch(responses, chosen, rejected)
