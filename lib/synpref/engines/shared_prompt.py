"""Which responses share the pass of their prompt, and when that pays: the plan, without a model.

Its constants hold on processors. On a GPU a pass costs another number of tokens, and whole rows lie end to end without
padding, which shared ones do not: there nothing is shared until it was measured (tests/bench/gpu_shared_prompt.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from synpref.engines.batching import token_budget_batches
from synpref.engines.packing import packed_batches
from synpref.engines.shared_prefix import common_prefix

# In tokens' worth of computing, by tests/bench/test_shared_prompt.py on an Intel Xeon at 2.5 GHz, one thread, with 135
# million parameters in float32. Two runs on a busy machine fitted 36 and 117 for a pass, -0.03 and 0.13 for what is
# cached; of a pass the dear side is taken, since whole rows are the safe way.
PASS_COST = 100.0
CACHED_COST = 0.02
MEASURED_ON = frozenset({"cpu"})  # torch's types of devices
# What a plan must save of the cost: below, the measurement's own scatter decides.
LEAST_GAIN = 0.1
# Of a prompt's tokens: what saves less would only lengthen the batches of those that save more.
LEAST_SAVED = 0.1


class Shared(NamedTuple):
    """Rows that answer one prompt, and the tokens that all of them begin with."""

    rows: tuple[int, ...]
    tokens: int


class PromptBatch(NamedTuple):
    """Prompts whose beginnings pass together, and the batches that continue them.

    Each batch lists (place of the prompt in `prompts`, row).
    """

    prompts: list[Shared]
    batches: list[list[tuple[int, int]]]


@dataclass(frozen=True)
class Work:
    """What a way of scoring computes.

    tokens: passed through the model, padding included; cached: looked up instead, once a row; passes of the model.
    """

    tokens: int
    cached: int
    passes: int

    @property
    def cost(self) -> float:
        """In tokens' worth of computing."""
        return self.tokens + CACHED_COST * self.cached + PASS_COST * self.passes


def pays(shared: Work, whole: Work) -> bool:
    """Whether sharing costs less than scoring whole rows, by more than LEAST_GAIN."""
    return shared.cost < (1 - LEAST_GAIN) * whole.cost


def worth_sharing(
    rows: Sequence[list[int]], prompts: Sequence[Hashable | None], token_budget: int, *, packed: bool = False
) -> list[PromptBatch]:
    """The plan for the rows that share their prompt's pass; empty where it does not pay.

    rows: tokens of each; prompts: what tells one prompt from another, None for a row that shares nothing. What the
    plan does not name is scored whole. packed: whole rows would lie end to end, without padding; shared ones never do.
    """
    shared = shared_prompts(rows, prompts)
    if not shared:
        return []
    lengths = [len(row) for row in rows]
    plan = prompt_batches(shared, lengths, token_budget)
    mine = [lengths[row] for one in shared for row in one.rows]
    return plan if pays(work_shared(plan, lengths), work_whole(mine, token_budget, packed=packed)) else []


def shared_prompts(rows: Sequence[list[int]], prompts: Sequence[Hashable | None]) -> list[Shared]:
    """The prompts with several rows that begin alike for long enough, in order of appearance."""
    places: dict[Hashable, list[int]] = {}
    for place, prompt in enumerate(prompts):
        if prompt is not None:
            places.setdefault(prompt, []).append(place)
    found = [Shared(tuple(mine), common_prefix([rows[place] for place in mine])) for mine in places.values()]
    return [one for one in found if _saves(one, rows)]


def _saves(one: Shared, rows: Sequence[list[int]]) -> bool:
    saved = one.tokens * (len(one.rows) - 1)
    return saved > 0 and saved >= LEAST_SAVED * sum(len(rows[row]) for row in one.rows)


def prompt_batches(shared: Sequence[Shared], lengths: Sequence[int], token_budget: int) -> list[PromptBatch]:
    """Cut beginnings and rests into batches within the budget, what is cached counted as if it were computed.

    So the memory of keys and values stays within what the same budget takes of whole rows; as there, only a row that
    alone exceeds the budget makes a batch above it.
    """
    plan = []
    tokens = [one.tokens for one in shared]
    for chosen in token_budget_batches(tokens, token_budget, window=max(len(tokens), 1)):
        prompts = [shared[place] for place in chosen]
        members = [(place, row) for place, one in enumerate(prompts) for row in one.rows]
        width = max(one.tokens for one in prompts)
        sizes = [width + lengths[row] - prompts[place].tokens for place, row in members]
        batches = token_budget_batches(sizes, token_budget, window=len(sizes))
        plan.append(PromptBatch(prompts, [[members[number] for number in batch] for batch in batches]))
    return plan


def work_shared(plan: Sequence[PromptBatch], lengths: Sequence[int]) -> Work:
    """What a plan computes."""
    tokens = cached = passes = 0
    for prompts, batches in plan:
        width = max(one.tokens for one in prompts)
        tokens += width * len(prompts)
        passes += 1 + len(batches)
        for batch in batches:
            tokens += len(batch) * max(lengths[row] - prompts[place].tokens for place, row in batch)
            cached += len(batch) * width
    return Work(tokens, cached, passes)


def work_whole(lengths: Sequence[int], token_budget: int, *, packed: bool = False) -> Work:
    """What scoring whole rows of these lengths computes: padded batches, or packed ones (packing.packed_batches)."""
    if packed:
        return Work(sum(lengths), 0, sum(1 for _ in packed_batches(lengths, token_budget)))
    batches = list(token_budget_batches(lengths, token_budget, window=max(len(lengths), 1)))
    return Work(sum(len(batch) * max(lengths[place] for place in batch) for batch in batches), 0, len(batches))
