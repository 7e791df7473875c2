"""Credits of pairs."""

from __future__ import annotations

import pytest

from synpref.benchmarks.figures import Credit
from synpref.benchmarks.items import Response, make_item
from synpref.benchmarks.pairwise import by_category, pair_credits
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import listed, pair


@pytest.mark.parametrize(("chosen", "rejected", "credit"), [(2, 1, 1), (1, 2, 0), (1, 1, 0)])
def test_only_the_higher_score_is_right(chosen: float, rejected: float, credit: float) -> None:
    item = pair("x", "part", "category")
    scores = {"x/chosen": chosen, "x/rejected": rejected}
    assert list(pair_credits([item], scores)) == [Credit(item.prompt_id, "part", credit)]
    assert list(pair_credits([item], scores, by_category)) == [Credit(item.prompt_id, "category", credit)]


def test_every_pair_of_an_item_counts() -> None:
    item = listed("x", [1, 0, 0])
    assert [each.value for each in pair_credits([item], {"x/0": 1.0, "x/1": 0.0, "x/2": 2.0})] == [1.0, 0.0]


def test_a_candidate_without_a_score_is_named() -> None:
    with pytest.raises(InputError, match="candidate x/chosen"):
        list(pair_credits([pair("x")], {}))


def test_an_item_without_a_pair_needs_no_score() -> None:
    tie = make_item("x", pair("x").messages, [Response("1", "a", None), Response("2", "b", None)], part="battles")
    assert list(pair_credits([tie], {})) == []
