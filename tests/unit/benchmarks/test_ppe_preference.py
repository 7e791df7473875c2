"""PPE Human Preference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import ppe_preference
from synpref.benchmarks.items import Item, distinct_responses
from synpref.benchmarks.ppe_preference import PART, PUBLISHED
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import (
    Row,
    Scorer,
    WriteRows,
    any_scores,
    constant,
    inverted,
    names_of,
    pair,
    perfect,
)

SMALL = [
    replace(pair("1", PART, "English"), tags=("hard", "code")), replace(pair("2", PART, "Polish"), tags=("hard",)),
    pair("3", PART, "English"),
]  # fmt: skip


def row(number: int, **changed: object) -> Row:
    own: Row = {"question_id": f"q{number}", "prompt": f"p{number}", "response_1": "one", "response_2": "two"}
    rest: Row = {"model_a": "x", "model_b": "y", "winner": "model_b", "language": "English", "hard_prompt": True}
    return {**own, **rest, "is_code": False, **changed}


def test_accuracy_is_over_votes_by_hand() -> None:
    result = ppe_preference.score(SMALL, perfect(SMALL) | inverted(SMALL[:1]))
    values = {name: figure.value for name, figure in result.figures.items()}
    assert values == {
        "accuracy": pytest.approx(2 / 3), "language/English": 0.5, "language/Polish": 1.0, "kind/hard": 0.5,
        "kind/code": 0.0,
    }  # fmt: skip


def test_a_part_of_the_battles_has_no_overall_figure() -> None:
    result = ppe_preference.score(SMALL, perfect(SMALL))
    assert (result.overall, result.coverage.missing) == (None, (PART,))


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    assert ppe_preference.score(SMALL, scorer(SMALL)).figures["accuracy"].value == expected


def test_all_battles_have_an_overall_figure() -> None:
    # one item as often as there were battles is quick to make
    items = [SMALL[0]] * PUBLISHED[PART]
    overall = ppe_preference.score(items, perfect(SMALL)).overall
    assert overall is not None
    assert (overall.value, overall.rows) == (1.0, PUBLISHED[PART])


@settings(deadline=None)
@given(st.permutations(SMALL), any_scores(SMALL))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], scores: dict[str, float]) -> None:
    assert ppe_preference.score(shuffled, scores) == ppe_preference.score(SMALL, scores)


def test_published_rows_are_read(write_rows: WriteRows) -> None:
    rows = [row(1), row(2, winner="model_a", is_code=True), row(3, winner="tie"), row(4, winner="tie (bothbad)")]
    first, second, *ties = ppe_preference.read([write_rows("test.parquet", rows)])
    assert (first.pairs, first.truths, first.category, first.tags) == (((1, 0),), (0.0, 1.0), "English", ("hard",))
    assert (second.pairs, second.tags) == (((0, 1),), ("hard", "code"))
    assert [(item.pairs, item.needed) for item in ties] == [((), ()), ((), ())]


def test_a_vote_for_a_tie_counts_as_covered_and_asks_for_no_score(write_rows: WriteRows) -> None:
    items = ppe_preference.read([write_rows("a.jsonl", [row(1), row(2, winner="tie")])])
    assert len(distinct_responses(items)) == 2
    result = ppe_preference.score(items, dict.fromkeys(names_of(items[:1]), 1.0))
    assert (result.items, result.figures["accuracy"].rows, result.ties) == (2, 1, 1)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row(2, winner="nobody"), "column 'winner': unknown value 'nobody'"),
        (row(1), "the id 'q1' stands already"),
        (row(2, response_2=None), "column 'response_2' must be text, not null"),
        (row(2, language=3), "column 'language' must be text, not int"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"line 2: .*{told}"):
        ppe_preference.read([write_rows("a.jsonl", [row(1), bad])])
