"""Items: identity of their candidates, and what they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from synpref.benchmarks.items import Item, Response, distinct_responses, make_item, make_pair, unique_items
from synpref.benchmarks.rows import Row
from synpref.errors import InputError
from synpref.pairs.identity import prompt_id, response_id
from tests.unit.benchmarks.conftest import listed, user


def test_candidates_are_identified_as_in_the_pool() -> None:
    item = make_pair("x", user("why"), "because", "no idea", part="p")
    expected = response_id(prompt_id([{"role": "user", "content": "why"}]), "because")
    assert (item.candidates[0].response_id, item.candidates[0].name) == (expected, "x/chosen")


def test_a_response_that_stands_in_many_items_is_scored_once() -> None:
    items = [make_pair(name, user("why"), "because", name, part="p") for name in ("one", "two")]
    found = distinct_responses(items)
    assert sorted(text for _, text in found.values()) == ["because", "one", "two"]
    assert len({candidate.name for item in items for candidate in item.candidates}) == 4


def test_the_same_text_to_another_prompt_is_another_response() -> None:
    items = [make_pair(prompt, user(prompt), "yes", "no", part="p") for prompt in ("one", "two")]
    assert len(distinct_responses(items)) == 4


def test_nobody_scores_what_no_figure_asks_for() -> None:
    item = listed("x", [0.3, None, 0.7])
    assert [each.name for each in item.needed] == ["x/0", "x/2"]
    tie = make_item("t", user("?"), [Response("1", "a", None), Response("2", "b", None)], part="p")
    assert tie.needed == ()
    assert distinct_responses([tie]) == {}


def test_right_and_wrong_are_told_by_true_scores() -> None:
    item = listed("x", [1, 0, 1, None, 0.5])
    assert (item.right, item.wrong, item.category) == ((0, 2), (1,), "lists")


def build(row: Row) -> Item:
    return make_pair(row.name("id"), user("?"), "a", "b", part="p")


def test_an_id_that_stands_twice_is_refused_with_both_places() -> None:
    rows = [Row(Path("set.jsonl"), f"line {line}", {"id": name}) for line, name in ((1, "x"), (2, "y"), (3, "x"))]
    assert [item.id for item in unique_items(rows[:2], build)] == ["x", "y"]
    with pytest.raises(InputError, match=r"set.jsonl: line 3: the id 'x' stands already in set.jsonl: line 1"):
        unique_items(rows, build)
