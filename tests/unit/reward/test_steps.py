"""Optimiser steps of a comparison graph."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.reward.graph import Batch, Limits, oversized
from synpref.reward.rows import Comparisons
from synpref.reward.steps import Step, count_steps, share_of, split, steps

Pairs = list[tuple[int, int]]


def graph_of(sizes: list[int]) -> Comparisons:
    """A prompt for each size, with so many responses, each compared with each."""
    rows = []
    first = 0
    for prompt, size in enumerate(sizes):
        rows += [(first + a, first + b, prompt) for a, b in itertools.combinations(range(size), 2)]
        first += size
    chosen, rejected, prompt_of = (np.array(column, dtype=np.int32) for column in zip(*rows, strict=True))
    return Comparisons([str(index) for index in range(first)], chosen, rejected, prompt_of, "digest")


def limits_of(graph: Comparisons, responses: int = 6, tokens: int = 40) -> Limits:
    return Limits(responses, tokens, np.arange(len(graph.response_ids)) % 5 + 1)


def pairs_of(parts: list[Batch]) -> Pairs:
    return [
        pair
        for part in parts
        for pair in zip(part.responses[part.chosen].tolist(), part.responses[part.rejected].tolist(), strict=True)
    ]


def all_pairs(graph: Comparisons) -> Pairs:
    return sorted(zip(graph.chosen.tolist(), graph.rejected.tolist(), strict=True))


graphs = st.lists(st.integers(2, 9), min_size=1, max_size=8).map(graph_of)


@settings(deadline=None, max_examples=60)
@given(graph=graphs, pairs=st.integers(1, 50), seed=st.integers(0, 3))
def test_a_pass_of_global_batches_holds_every_comparison_once(graph: Comparisons, pairs: int, seed: int) -> None:
    limits = limits_of(graph)
    count = math.ceil(len(graph) / pairs)
    found = list(itertools.islice(steps(graph, limits, seed, pairs), count))
    assert sorted(pair for step in found for pair in pairs_of(step.parts)) == all_pairs(graph)
    assert [step.comparisons for step in found[:-1]] == [pairs] * (count - 1)
    assert all(step.comparisons == len(pairs_of(step.parts)) for step in found)
    for part in (part for step in found for part in step.parts):
        assert len(set(part.responses.tolist())) == len(part.responses) <= limits.responses
        assert limits.lengths[part.responses].sum() <= limits.tokens
        assert set(part.chosen.tolist()) | set(part.rejected.tolist()) == set(range(len(part.responses)))


def test_without_a_number_of_pairs_a_step_is_a_micro_batch() -> None:
    graph = graph_of([4, 4, 4])
    found = list(itertools.islice(steps(graph, limits_of(graph), 0, None), 3))
    assert [len(step.parts) for step in found] == [1, 1, 1]
    assert sorted(pair for step in found for pair in pairs_of(step.parts)) == all_pairs(graph)


@settings(deadline=None, max_examples=60)
@given(graph=graphs, pairs=st.one_of(st.none(), st.integers(1, 50)), processes=st.integers(1, 5))
def test_processes_share_a_step_evenly_and_completely(graph: Comparisons, pairs: int | None, processes: int) -> None:
    step = next(steps(graph, limits_of(graph), 0, pairs))
    shares = [share_of(step, rank, processes) for rank in range(processes)]
    assert Counter(pair for share in shares for pair in pairs_of(share.parts)) == Counter(pairs_of(step.parts))
    assert {share.comparisons for share in shares} == {step.comparisons}
    assert len({len(share.parts) for share in shares}) == 1
    assert all(len(part.responses) >= 2 for share in shares for part in share.parts)


def test_one_process_computes_a_step_as_it_is() -> None:
    graph = graph_of([5, 3])
    step = next(steps(graph, limits_of(graph), 0, 7))
    assert share_of(step, 0, 1) == step


def test_a_cut_batch_encodes_what_its_comparisons_need() -> None:
    batch = Batch(np.array([7, 9, 12]), np.array([0, 0, 1]), np.array([1, 2, 2]))
    head, tail = split(batch, 1)
    assert (head.responses.tolist(), pairs_of([head])) == ([7, 9], [(7, 9)])
    assert pairs_of([tail]) == [(7, 12), (9, 12)]
    nothing, everything = split(batch, 0)
    assert (nothing.responses.tolist(), len(nothing.chosen)) == ([7, 9], 0)
    assert pairs_of([everything]) == pairs_of([batch])


@pytest.mark.parametrize(("pairs", "epochs", "expected"), [(10, 1, 3), (10, 2, 6), (10, 2.5, 8), (7, 0.01, 1)])
def test_epochs_are_counted_in_global_batches(pairs: int, epochs: float, expected: int) -> None:
    graph = graph_of([8])  # 28 comparisons
    assert count_steps(graph, limits_of(graph), 0, pairs, epochs) == expected


@given(graph=graphs, seed=st.integers(0, 3), epochs=st.integers(1, 3))
@settings(deadline=None, max_examples=30)
def test_whole_epochs_see_every_comparison_as_often(graph: Comparisons, seed: int, epochs: int) -> None:
    limits = limits_of(graph)
    for pairs in (None, 5):
        count = count_steps(graph, limits, seed, pairs, epochs)
        found: list[Step] = list(itertools.islice(steps(graph, limits, seed, pairs), count))
        seen = Counter(pair for step in found for pair in pairs_of(step.parts))
        assert seen == Counter(dict.fromkeys(all_pairs(graph), epochs))


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_prompts_above_a_micro_batch_are_counted(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synpref.reward.graph.PROMPTS_AT_ONCE", at_once)
    graph = graph_of([3, 9, 4, 7])
    assert oversized(graph, Limits(6, 1000, np.ones(23, dtype=np.int64))) == 2
    assert oversized(graph, Limits(6, 3, np.ones(23, dtype=np.int64))) == 3
    assert oversized(graph, Limits(9, 9, np.ones(23, dtype=np.int64))) == 0
