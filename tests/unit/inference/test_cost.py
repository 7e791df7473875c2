"""What shards cost adds up."""

from __future__ import annotations

from synpref.engines.known_order import KnownOrder
from synpref.inference.work import Cost


def test_counts_add_up_and_the_worst_order_of_a_reward_model_is_kept() -> None:
    good, bad = KnownOrder(8, 8, 3.0), KnownOrder(4, 8, 0.1)
    first, second = Cost(10, 200, 1, 9, order=good), Cost(5, 100, 2, 5, order=bad)
    assert first + second == second + first == Cost(15, 300, 3, 14, order=bad)
    assert (Cost() + first).order == (first + Cost()).order == good
    assert (Cost() + Cost()).order is None
