"""Weighted and pooled figures of cells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks.figures import MAX_BLOCKS, Credit, tabulate

# a: 3 of 4 right over two prompts; b: 1 of 2 of one prompt
CREDITS = [
    Credit("p", "a", 1), Credit("p", "a", 1), Credit("q", "a", 1), Credit("q", "a", 0), Credit("q", "b", 1),
    Credit("q", "b", 0),
]  # fmt: skip


def test_a_weighted_figure_is_the_sum_of_weighted_cell_means() -> None:
    figure = tabulate(CREDITS, None).weighted({"a": 0.25, "b": 0.75})
    assert figure is not None
    assert figure.value == pytest.approx(0.5625)
    assert (figure.rows, figure.prompts, figure.interval) == (6, 2, None)


def test_a_pooled_figure_counts_every_row_the_same() -> None:
    table = tabulate(CREDITS, None)
    pooled, mean = table.pooled(["a", "b"]), table.mean(["a", "b"])
    assert pooled is not None
    assert mean is not None
    assert [pooled.value, mean.value] == pytest.approx([4 / 6, 0.625])


def test_a_figure_of_a_cell_without_rows_is_none() -> None:
    table = tabulate(CREDITS, None)
    assert table.weighted({"a": 0.5, "c": 0.5}) is None
    assert table.mean(["c"]) is None
    assert table.mean([]) is None
    assert table.pooled(["c"]) is None
    assert tabulate([], 7).pooled(["a"]) is None


def test_an_interval_resamples_the_prompts_of_its_cells() -> None:
    figure = tabulate(CREDITS, 7).pooled(["a"])
    assert figure is not None
    assert figure.interval is not None
    # two prompts, of which one has all right and one half
    assert (figure.interval.low, figure.interval.high, figure.interval.groups) == (0.5, 1.0, 2)
    only = tabulate(CREDITS, 7).pooled(["b"])
    assert only is not None
    assert only.interval is not None
    assert (only.interval.groups, only.prompts) == (1, 1)


def test_many_prompts_are_resampled_as_blocks() -> None:
    table = tabulate([Credit(str(number), "a", number % 2) for number in range(3 * MAX_BLOCKS)], 7)
    figure = table.pooled(["a"])
    assert figure is not None
    assert figure.interval is not None
    assert (figure.value, figure.prompts, figure.interval.groups) == (0.5, 3 * MAX_BLOCKS, MAX_BLOCKS)
    assert figure.interval.low < 0.5 < figure.interval.high


@settings(deadline=None)
@given(st.permutations(CREDITS))
def test_the_order_of_credits_means_nothing(shuffled: list[Credit]) -> None:
    one, other = (tabulate(each, 7).weighted({"a": 0.5, "b": 0.5}) for each in (CREDITS, shuffled))
    assert one == other
