"""Pairs that a user gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from synpref.benchmarks import user_pairs
from synpref.errors import InputError
from synpref.pairs.identity import pair_id, prompt_id, response_id
from tests.unit.benchmarks.conftest import Row, Scorer, WriteRows, any_scores, constant, inverted, pair, perfect

ITEMS = [pair("1", category="law"), pair("2", category="law"), pair("3", category="tax")]


def test_accuracy_by_hand() -> None:
    result = user_pairs.score(ITEMS, perfect(ITEMS) | inverted(ITEMS[:1]), seed=7)
    assert result.overall is not None
    assert result.overall.value == pytest.approx(2 / 3)
    assert {name: figure.value for name, figure in result.figures.items()} == {"category/law": 0.5, "category/tax": 1.0}
    assert result.overall.interval is not None
    assert result.overall.interval.few_groups


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    result = user_pairs.score(ITEMS, scorer(ITEMS))
    assert result.overall is not None
    assert result.overall.value == expected


@settings(deadline=None)
@given(any_scores(ITEMS))
def test_an_inverted_scorer_has_the_rest_but_for_ties(scores: dict[str, float]) -> None:
    own = user_pairs.score(ITEMS, scores)
    other = user_pairs.score(ITEMS, {name: -score for name, score in scores.items()})
    assert own.overall is not None
    assert other.overall is not None
    assert own.overall.value + other.overall.value == pytest.approx(1 - own.ties / 3)


def test_rows_are_read_with_what_they_have(write_rows: WriteRows) -> None:
    rows: list[Row] = [
        {"prompt": "p", "chosen": "a", "rejected": "b"},
        {"id": 7, "prompt": [{"role": "user", "content": "p"}], "chosen": "a", "rejected": "b", "category": "law",
         "margin": 2},
    ]  # fmt: skip
    plain, rich = user_pairs.read([write_rows("mine.jsonl", rows)])
    assert (plain.id, plain.category, plain.margin) == ("mine.jsonl/1", "pairs", None)
    assert (rich.id, rich.category, rich.margin) == ("7", "law", 2.0)
    assert plain.candidates[0].response_id == rich.candidates[0].response_id


def test_rows_of_two_files_of_one_name_are_told_apart_by_their_folders(write_rows: WriteRows) -> None:
    row: Row = {"prompt": "p", "chosen": "a", "rejected": "b"}
    names = ["x/y/mine.jsonl", "z/y/mine.jsonl", "x/other.jsonl"]
    found = user_pairs.read([write_rows(name, [row]) for name in names])
    assert [item.id for item in found] == ["x/y/mine.jsonl/1", "z/y/mine.jsonl/1", "other.jsonl/1"]


def test_a_path_that_is_the_end_of_another_keeps_its_name(
    write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = write_rows("x/mine.jsonl", [{"prompt": "p", "chosen": "a", "rejected": "b"}])
    here = write_rows("mine.jsonl", [{"prompt": "p", "chosen": "a", "rejected": "b"}])
    monkeypatch.chdir(here.parent)
    found = user_pairs.read([path.relative_to(here.parent) for path in (below, here)])
    assert [item.id for item in found] == ["x/mine.jsonl/1", "mine.jsonl/1"]


def test_a_row_of_a_table_is_named_by_what_it_says_wherever_it_stands(write_rows: WriteRows) -> None:
    rows: list[Row] = [
        {"prompt": "p", "chosen": "a", "rejected": "b"},
        {"prompt": "p", "chosen": "b", "rejected": "a"},
        {"prompt": "p", "chosen": "a", "rejected": "b"},
        {"id": 7, "prompt": "q", "chosen": "a", "rejected": "b"},
    ]
    first = user_pairs.read_usable([write_rows("part-0.jsonl", rows)], by_content=True).items
    again = user_pairs.read_usable([write_rows("part-9.jsonl", rows[::-1])], by_content=True).items
    prompt = prompt_id(({"role": "user", "content": "p"},))
    a, b = (response_id(prompt, text) for text in "ab")
    assert [item.id for item in first] == [pair_id(a, b), pair_id(b, a), f"{pair_id(a, b)}-2", "7"]
    assert {item.id for item in again} == {item.id for item in first}


def test_a_tie_in_a_table_is_named_by_its_comparison(write_rows: WriteRows) -> None:
    row: Row = {"prompt": "p", "response_a": "x", "response_b": "y", "label": "tie"}
    rows = [row, {**row, "response_a": "y", "response_b": "x"}]
    one, other = user_pairs.read_usable([write_rows("part.jsonl", rows)], by_content=True).items
    assert other.id == f"{one.id}-2"


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"prompt": "p", "chosen": "a"}, "no column 'rejected'"),
        ({"prompt": "p", "chosen": "a", "rejected": "b", "margin": "big"}, "column 'margin' must be a finite number"),
        ({"prompt": 5, "chosen": "a", "rejected": "b"}, "column 'prompt' must be text, not int"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"line 1: {told}"):
        user_pairs.read([write_rows("mine.jsonl", [bad])])
