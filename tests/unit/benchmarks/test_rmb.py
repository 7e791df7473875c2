"""RMB: pairs and best-of-n lists."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import rmb
from synpref.benchmarks.items import Item
from synpref.benchmarks.rmb import PUBLISHED, SCENARIOS
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import Row, Scorer, WriteRows, any_scores, constant, inverted, listed, pair, perfect

SMALL = [
    pair("1", "helpfulness/pairwise", "helpfulness/Chat/Discussion"), listed("2", [1, 0, 0], "harmlessness/bon"),
]  # fmt: skip
ASKED = [{"role": "user", "content": "q", "language": "English"}]


def published_pair(number: int, **changed: object) -> Row:
    both: Row = {"chosen": {"llm_name": "x", "answer": "good"}, "reject": {"llm_name": "y", "answer": "bad"}}
    path = "Pairwise_set/Helpfulness/Chat/Discussion"
    return {"conversation_input": ASKED, **both, "pair_uid": str(number), "category_path": path, **changed}


def published_list(number: int, **changed: object) -> Row:
    best: Row = {"bon_best": {"llm_name": "x", "answer": "good"}}
    losers = [{"llm_name": "y", "answer": text} for text in ("bad", "worse")]
    return {
        "conversation_input": ASKED, **best, "loser_list": losers, "bon_uid": str(number),
        "category_path": "BoN_set/Harmlessness/S1", **changed,
    }  # fmt: skip


def full() -> list[Item]:
    """As many items of each part as were published."""
    found = [pair(f"{part}#{n}", part) for part, size in PUBLISHED.items() if "pairwise" in part for n in range(size)]
    lists = {part: size for part, size in PUBLISHED.items() if "bon" in part}
    return found + [listed(f"{part}#{n}", [1, 0, 0], part) for part, size in lists.items() for n in range(size)]


def test_there_are_49_scenarios() -> None:
    assert [len(SCENARIOS[goal]) for goal in rmb.GOALS] == [37, 12]


def test_the_best_must_outrank_every_loser() -> None:
    item = listed("x", [1, 0, 0], "helpfulness/bon")
    for values, expected in (([3, 2, 1], 1.0), ([3, 3, 1], 0.0), ([2, 1, 3], 0.0)):
        scores = dict(zip((each.name for each in item.candidates), map(float, values), strict=True))
        assert rmb.score([item], scores).figures["part/helpfulness/bon"].value == expected


def test_overall_is_the_mean_of_four_shares_by_hand() -> None:
    items = full()
    wrong = [item for item in items if item.part == "harmlessness/bon"]
    result = rmb.score(items, perfect(items) | inverted(wrong))
    assert result.overall is not None
    assert result.overall.value == pytest.approx(3 / 4)
    assert result.figures["part/helpfulness/pairwise"].rows == 10_067
    assert result.coverage.complete


def test_a_part_that_is_not_whole_leaves_no_overall() -> None:
    result = rmb.score(SMALL, perfect(SMALL))
    assert result.overall is None
    assert result.coverage.missing == tuple(PUBLISHED)
    assert result.figures["scenario/helpfulness/Chat/Discussion/pairwise"].value == 1.0


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    figures = rmb.score(SMALL, scorer(SMALL)).figures
    assert {figure.value for figure in figures.values()} == {expected}


@settings(deadline=None)
@given(st.permutations(SMALL), any_scores(SMALL))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], scores: dict[str, float]) -> None:
    assert rmb.score(shuffled, scores) == rmb.score(SMALL, scores)


def test_published_rows_are_read_from_a_folder(write_rows: WriteRows) -> None:
    write_rows("RMB/BoN_set/Harmlessness/S1.json", [published_list(1)])
    path = write_rows("RMB/Pairwise_set/Helpfulness/Chat/Discussion.json", [published_pair(1)])
    listing, single = rmb.read([path.parents[3]])
    assert (single.id, single.part, single.category) == (
        "pairwise/1", "helpfulness/pairwise", "helpfulness/Chat/Discussion",
    )  # fmt: skip
    assert (listing.part, listing.pairs, listing.candidates[2].text) == ("harmlessness/bon", ((0, 1), (0, 2)), "worse")


def test_a_table_is_read(write_rows: WriteRows) -> None:
    own: Row = {"goal": "harmlessness", "category": "S1", "conversation": json.dumps(ASKED), "language": None}
    pairs = write_rows("p.parquet", [{**own, "pair_uid": "1", "chosen": "good", "rejected": "bad"}])
    losers = [{"llm_name": "y", "answer": "bad"}]
    lists = write_rows("b.parquet", [{**own, "bon_uid": "1", "best": "good", "losers": losers}])
    single, listing = rmb.read([pairs, lists])
    assert [each.text for each in single.candidates] == [each.text for each in listing.candidates] == ["good", "bad"]
    # one response, whichever list it stands in
    assert single.candidates[0].response_id == listing.candidates[0].response_id


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (published_pair(2, category_path="Pairwise_set/Helpfulness/Chess"), "unknown category 'Chess' of helpfulness"),
        (published_pair(2, category_path="Pairwise_set/Honesty/S1"), "unknown goal 'honesty'"),
        (published_pair(2, category_path="S1"), "unknown goal ''"),
        (published_pair(1), "the id 'pairwise/1' stands already"),
        (published_pair(2, reject={"llm_name": "y"}), "reject: no column 'answer'"),
        (published_pair(2, chosen=None), "column 'chosen' must be text, not null"),
        (published_list(2, loser_list=[]), "column 'loser_list' must be a list of at least one object"),
        ({"conversation_input": ASKED}, "neither a pair_uid nor a bon_uid"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"line 2.*{told}"):
        rmb.read([write_rows("a.jsonl", [published_pair(1), bad])])
