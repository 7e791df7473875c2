from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.engines.batching import token_budget_batches

LENGTHS = st.lists(st.integers(0, 60), max_size=80)
SIZES = st.integers(1, 100)


@given(LENGTHS, SIZES, SIZES)
def test_every_index_comes_once(lengths: list[int], budget: int, window: int) -> None:
    batches = list(token_budget_batches(lengths, budget, window))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(batches)


@given(LENGTHS, SIZES, SIZES)
def test_only_a_lone_item_exceeds_the_budget(lengths: list[int], budget: int, window: int) -> None:
    for batch in token_budget_batches(lengths, budget, window):
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget


@given(LENGTHS, SIZES, SIZES)
def test_no_batch_crosses_a_window_and_windows_keep_their_order(lengths: list[int], budget: int, window: int) -> None:
    windows = [{index // window for index in batch} for batch in token_budget_batches(lengths, budget, window)]
    assert all(len(numbers) == 1 for numbers in windows)
    order = [number for numbers in windows for number in numbers]
    assert order == sorted(order)


@given(LENGTHS, SIZES)
def test_a_window_is_cut_longest_first(lengths: list[int], budget: int) -> None:
    batches = token_budget_batches(lengths, budget, window=len(lengths) + 1)
    order = [lengths[index] for batch in batches for index in batch]
    assert order == sorted(lengths, reverse=True)


def test_a_batch_is_filled_as_far_as_the_budget_goes() -> None:
    assert list(token_budget_batches([4, 2, 4, 2, 2], token_budget=8, window=5)) == [[0, 2], [1, 3, 4]]


@pytest.mark.parametrize(("budget", "window"), [(0, 1), (1, 0)])
def test_a_budget_or_window_of_nothing_is_an_error(budget: int, window: int) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        list(token_budget_batches([1], budget, window))
