"""Which items are measured: a seeded sample, and those whose scores are all there."""

from __future__ import annotations

from hypothesis import given as drawn_by
from hypothesis import strategies as st

from synpref.benchmarks.selection import given, scorable
from tests.unit.benchmarks.conftest import listed, pairs, perfect

ITEMS = pairs({"one": 12, "two": 8})


def test_without_a_size_every_item_is_measured() -> None:
    whole = given("user_pairs", ITEMS, None, 7)
    assert (whole.items, whole.held, whole.sampled) == (tuple(ITEMS), 20, False)
    assert given("user_pairs", ITEMS, 20, 7) == whole


@drawn_by(st.integers(1, 19), st.integers(0, 9), st.permutations(range(20)))
def test_a_sample_hangs_on_seed_and_ids_not_on_the_order_of_the_file(size: int, seed: int, order: list[int]) -> None:
    some = given("user_pairs", ITEMS, size, seed)
    other = given("user_pairs", [ITEMS[place] for place in order], size, seed)
    assert (len(some.items), some.held, some.sampled) == (size, 20, True)
    assert {item.id for item in some.items} == {item.id for item in other.items}
    assert list(some.items) == [item for item in ITEMS if item in some.items]


def test_a_smaller_sample_is_part_of_a_larger_one_and_another_seed_draws_others() -> None:
    small, large, other = (given("user_pairs", ITEMS, size, seed) for size, seed in ((5, 7), (9, 7), (9, 8)))
    assert all(item in large.items for item in small.items)
    assert other.items != large.items


def test_an_item_without_all_its_scores_is_left_out_and_counted() -> None:
    scores = perfect(ITEMS)
    del scores[ITEMS[3].candidates[1].name]
    kept, missing = scorable(ITEMS, scores)
    assert (len(kept), missing) == (19, 1)
    assert ITEMS[3] not in kept


def test_a_score_by_response_counts_and_one_that_nobody_needs_may_be_missing() -> None:
    unjudged = listed("list", [1.0, 0.0, None])
    by_response = {each.response_id: 0.5 for each in unjudged.candidates[:2]}
    assert scorable([unjudged], by_response) == ((unjudged,), 0)
