"""Canaries: how often an attacked worse answer is preferred, beside the answer as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from synpref.benchmarks.attacks import ATTACKS, Vocabulary
from synpref.benchmarks.canaries import (
    Canary,
    canaries,
    canary_rows,
    distinct_canary_responses,
    of_vocabulary,
    pair_items,
    preferences,
    unscored_canaries,
)
from synpref.benchmarks.items import Item, make_pair
from synpref.pairs.identity import prompt_id, response_id
from tests.unit.benchmarks.conftest import listed, pair, user

ITEMS = [make_pair(f"{n}", user(f"prompt {n}"), "better answer " + "x" * n, "worse", part="pairs") for n in range(12)]


def scores(found: Sequence[Canary], score: Callable[[str], float]) -> dict[str, float]:
    return {name: score(text) for name, (_, text) in distinct_canary_responses(found).items()}


def test_the_sample_hangs_on_the_seed_and_takes_a_prompt_once() -> None:
    found = canaries(ITEMS, 5, 7)
    assert len({canary.prompt_id for canary in found}) == 5
    assert found == canaries(ITEMS[::-1], 5, 7)
    assert found != canaries(ITEMS, 5, 8)
    twice = [pair("a", prompt="same"), pair("b", prompt="same")]
    assert len(canaries(twice, 5, 7)) == 1
    assert canaries(ITEMS, 0, 7) == ()


def test_a_prompt_of_many_pairs_is_drawn_as_one_of_one_pair() -> None:
    """Three right and three wrong answers are nine pairs; which prompts have them changes no place in the order."""

    def order(many: range) -> list[str]:
        items = [listed(f"{n}", [1, 1, 1, 0, 0, 0] if n in many else [1, 0]) for n in range(40)]
        return [canary.prompt_id for canary in canaries(items, 40, 7)]

    assert len(order(range(0))) == 40
    assert order(range(0)) == order(range(20)) == order(range(20, 40))


def test_one_pair_of_an_item_is_attacked_and_equal_texts_and_items_without_pairs_never() -> None:
    (canary,) = canaries([listed("list", [1, 0, 0])], 5, 7)
    assert canary.better.text == "answer 0 to list"
    assert canary.worse.text != canary.better.text
    same = make_pair("same", user("p"), "equal", "equal", part="pairs")
    assert canaries([same, listed("none", [None, None])], 5, 7) == ()


def test_items_without_pairs_give_one_of_their_best_and_one_of_their_worst_answers() -> None:
    def bare(item: Item) -> Item:
        return replace(item, pairs=())

    (canary,) = canaries([bare(listed("Math/1", [1, 0, 0, 0], "Math"))], 5, 7)
    assert (canary.better.name, canary.worse.name[:-1]) == ("Math/1/0", "Math/1/")
    (graded,) = canaries([bare(listed("list", [0.4, None, 0.9, 0.1, 0.5]))], 5, 7)
    assert (graded.better.name, graded.worse.name) == ("list/2", "list/3")
    assert canaries([bare(listed("equal", [1, 1, None])), bare(listed("one", [0.5]))], 5, 7) == ()


def test_each_attack_is_an_answer_of_its_own_to_the_same_prompt() -> None:
    (canary,) = canaries(ITEMS[:1], 1, 7)
    assert set(canary.attacked) == set(ATTACKS)
    assert all(each.response_id == response_id(canary.prompt_id, each.text) for each in canary.candidates)
    assert prompt_id(canary.messages) == canary.prompt_id
    assert len(distinct_canary_responses([canary])) == 2 + len(ATTACKS)


def test_a_model_meets_random_tokens_of_its_own_vocabulary_and_all_else_as_others_do() -> None:
    found = canaries(ITEMS[:3], 3, 7)
    own = of_vocabulary(found, Vocabulary(2, lambda numbers: "".join("xy"[number] for number in numbers)))
    for one, other in zip(found, own, strict=True):
        assert set(other.attacked["vocabulary"].text) == {"x", "y"}
        assert other.attacked["vocabulary"].name == one.attacked["vocabulary"].name
        assert other.attacked["vocabulary"].response_id == response_id(one.prompt_id, other.attacked["vocabulary"].text)
        assert list(other.attacked) == list(one.attacked)
        assert replace(other, attacked={**other.attacked, "vocabulary": one.attacked["vocabulary"]}) == one


def test_a_scorer_of_length_falls_for_padding_and_never_for_nothing() -> None:
    found = canaries(ITEMS, 12, 7)
    told = preferences(found, scores(found, lambda text: float(len(text))), 7)
    assert (told["padding"].attacked.value, told["padding"].plain.value) == (1.0, 0.0)
    assert told["padding"].difference.value == 1.0
    assert told["empty"].attacked.value == 0.0
    interval = told["padding"].difference.interval
    assert interval is not None
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_shares_are_counted_by_hand() -> None:
    found = canaries(ITEMS[:4], 4, 7)
    # two of four worse answers win as they are; flattered, three do
    plain = {canary.worse.response_id for canary in found[:2]}
    flattered = {canary.attacked["flattery"].response_id for canary in found[:3]}
    better = {canary.better.response_id for canary in found}
    given = {
        name: 1.0 if name in better else 2.0 if name in plain | flattered else 0.0
        for name in distinct_canary_responses(found)
    }
    one = preferences(found, given)["flattery"]
    assert (one.attacked.value, one.plain.value, one.difference.value) == (0.75, 0.5, 0.25)
    assert (one.attacked.rows, one.difference.rows) == (4, 4)


def test_equal_scores_are_no_preference() -> None:
    found = canaries(ITEMS, 12, 7)
    told = preferences(found, scores(found, lambda _: 1.0))
    assert {one.attacked.value for one in told.values()} == {0.0}


def test_a_canary_without_a_score_is_left_out_and_counted() -> None:
    found = canaries(ITEMS, 12, 7)
    given = scores(found, lambda text: float(len(text)))
    del given[found[0].attacked["gibberish"].response_id]
    assert unscored_canaries(found, given) == 1
    assert {one.plain.rows for one in preferences(found, given).values()} == {11}
    assert preferences(found, {}) == {}


def test_rows_name_their_source_and_the_three_figures() -> None:
    found = canaries(ITEMS, 12, 7)
    rows = canary_rows("test prompts", preferences(found, scores(found, lambda text: float(len(text))), 7))
    assert len(rows) == 3 * len(ATTACKS)
    (padded,) = [row for row in rows if (row.subset, row.metric) == ("test prompts/padding", "difference")]
    assert (padded.benchmark, padded.value, padded.items) == ("robustness", 1.0, 12)
    assert padded.low == 1.0


def test_pairs_of_no_file_become_items() -> None:
    (item,) = pair_items([("c", user("p"), "better", "worse")])
    assert isinstance(item, Item)
    assert [item.candidates[place].text for place in item.pairs[0]] == ["better", "worse"]


@pytest.mark.parametrize("size", [1, 3])
def test_no_more_than_asked_for(size: int) -> None:
    assert len(canaries(ITEMS, size, 7)) == size
