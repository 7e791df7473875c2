"""Batches of a comparison graph."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.reward.graph import Batch, Limits, batches, blocks
from synpref.reward.rows import Comparisons


def graph_of(edges: list[tuple[int, int, int]]) -> Comparisons:
    """(prompt, response, response) with responses numbered inside their prompt."""
    names = sorted({(prompt, side) for prompt, *sides in edges for side in sides})
    number = {name: index for index, name in enumerate(names)}
    columns = [[number[p, a], number[p, b], p] for p, a, b in edges]
    chosen, rejected, prompt = (np.array(column, dtype=np.int32) for column in zip(*columns, strict=True))
    return Comparisons([str(name) for name in names], chosen, rejected, prompt, "digest")


def one_pass(comparisons: Comparisons, limits: Limits, seed: int) -> list[Batch]:
    taken, found = 0, []
    for batch in batches(comparisons, limits, seed):
        found.append(batch)
        taken += len(batch.chosen)
        if taken >= len(comparisons):
            break
    return found


def pairs_of(batch: Batch) -> list[tuple[int, int]]:
    return list(zip(batch.responses[batch.chosen].tolist(), batch.responses[batch.rejected].tolist(), strict=True))


@st.composite
def graphs(draw: st.DrawFn) -> Comparisons:
    edges = st.tuples(st.integers(0, 3), st.integers(0, 7), st.integers(0, 7)).filter(lambda edge: edge[1] != edge[2])
    return graph_of(draw(st.lists(edges, min_size=1, max_size=60, unique_by=lambda e: (e[0], *sorted(e[1:])))))


@settings(deadline=None, max_examples=60)
@given(graph=graphs(), responses=st.integers(2, 12), tokens=st.integers(1, 60), seed=st.integers(0, 5))
def test_a_pass_holds_every_comparison_once_within_the_limits(
    graph: Comparisons, responses: int, tokens: int, seed: int
) -> None:
    lengths = np.arange(len(graph.response_ids)) % 9 + 1
    found = one_pass(graph, Limits(responses, tokens, lengths), seed)
    seen = sorted(pair for batch in found for pair in pairs_of(batch))
    assert seen == sorted(zip(graph.chosen.tolist(), graph.rejected.tolist(), strict=True))
    for batch in found:
        assert len(set(batch.responses.tolist())) == len(batch.responses) <= responses
        assert lengths[batch.responses].sum() <= tokens or len(batch.responses) == 2


def test_a_prompt_that_fits_is_one_block_with_all_its_comparisons() -> None:
    graph = graph_of([(0, a, b) for a, b in itertools.combinations(range(6), 2)])
    limits = Limits(6, 100, np.ones(6, dtype=np.int64))
    found = list(blocks(list(range(len(graph))), graph.chosen, graph.rejected, limits))
    assert [len(block.rows) for block in found] == [15]


def test_a_dense_prompt_above_the_limit_still_shares_responses() -> None:
    graph = graph_of([(0, a, b) for a, b in itertools.combinations(range(40), 2)])
    found = one_pass(graph, Limits(16, 10_000, np.ones(40, dtype=np.int64)), seed=0)
    encoded = sum(len(batch.responses) for batch in found)
    assert encoded < 2 * len(graph) / 4  # one by one, every comparison would encode 2


def test_the_order_depends_on_the_seed_alone() -> None:
    graph = graph_of([(p, a, b) for p in range(6) for a, b in itertools.combinations(range(4), 2)])
    limits = Limits(4, 100, np.ones(24, dtype=np.int64))
    runs = [[pairs_of(batch) for batch in one_pass(graph, limits, seed)] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_passes_go_on_without_end_in_new_orders() -> None:
    graph = graph_of([(p, 0, 1) for p in range(8)])
    limits = Limits(2, 100, np.ones(16, dtype=np.int64))
    steps = list(itertools.islice(batches(graph, limits, 0), 24))
    passes = [[pairs_of(batch)[0] for batch in steps[start : start + 8]] for start in (0, 8, 16)]
    assert all(sorted(one) == sorted(passes[0]) for one in passes)
    assert passes[0] != passes[1]
