"""RewardBench v1."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import reward_bench
from synpref.benchmarks.items import Item
from synpref.benchmarks.reward_bench import SECTIONS, SUBSETS, section_weights
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import Row, Scorer, WriteRows, any_scores, constant, inverted, pairs, perfect

FULL = pairs(SUBSETS)
SMALL = pairs({"math-prm": 3, "hep-go": 2})


def row(number: int, **changed: object) -> Row:
    """A row as published: an id over the whole benchmark, texts, and the two models."""
    own: Row = {"prompt": f"p{number}", "chosen": "good", "rejected": "bad", "subset": "hep-go", "id": number}
    return {**own, "chosen_model": "x", "rejected_model": "y", **changed}


def right(wrong: dict[str, int]) -> dict[str, float]:
    """Scores that are wrong on so many pairs of a subset, else right."""
    scores = perfect(FULL)
    for subset, size in wrong.items():
        scores |= inverted([item for item in FULL if item.part == subset][:size])
    return scores


def test_the_published_sizes_sum_to_2985_pairs_in_23_subsets() -> None:
    assert (sum(SUBSETS.values()), len(SUBSETS), len(SECTIONS)) == (2985, 23, 4)


def test_mathematics_weighs_as_much_as_code() -> None:
    weights = section_weights("Reasoning")
    assert weights["math-prm"] == pytest.approx(0.5)
    assert weights["hep-go"] == pytest.approx(1 / 12)


def test_overall_is_the_mean_of_the_sections_by_hand() -> None:
    # math 0 of 447 -> Reasoning 0.5; mt-bench-hard 0 of 37 -> Chat Hard 419/456
    result = reward_bench.score(FULL, right({"math-prm": 447, "mt-bench-hard": 37}))
    assert result.overall is not None
    assert result.figures["section/Reasoning"].value == pytest.approx(0.5)
    assert result.figures["section/Chat Hard"].value == pytest.approx(419 / 456)
    assert result.figures["section/Safety"].value == 1.0
    assert result.overall.value == pytest.approx((1 + 419 / 456 + 1 + 0.5) / 4)
    assert result.figures["covered"].value == pytest.approx(1 - 484 / 2985)
    assert (result.coverage.missing, result.overall.rows) == ((), 2985)


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    result = reward_bench.score(FULL, scorer(FULL))
    assert result.overall is not None
    assert result.overall.value == pytest.approx(expected)
    assert result.ties == (2985 if scorer is constant else 0)


def test_a_missing_subset_leaves_no_overall_and_no_section() -> None:
    items = [item for item in FULL if item.part != "mt-bench-hard"]
    result = reward_bench.score(items, perfect(items))
    assert result.overall is None
    assert result.coverage.missing == ("mt-bench-hard",)
    assert "section/Chat Hard" not in result.figures
    assert result.figures["section/Chat"].value == 1.0
    assert result.as_dict()["missing"] == ["mt-bench-hard"]


def test_a_subset_that_is_not_whole_counts_as_missing() -> None:
    result = reward_bench.score(FULL[1:], perfect(FULL))
    assert (result.overall, result.coverage.missing) == (None, ("alpacaeval-easy",))
    assert result.figures["subset/alpacaeval-easy"].rows == 99


def test_an_interval_holds_the_figure() -> None:
    interval = reward_bench.score(FULL, right({"math-prm": 100, "alpacaeval-hard": 50}), seed=7).overall
    assert interval is not None
    assert interval.interval is not None
    assert interval.interval.low < interval.value < interval.interval.high


@settings(deadline=None)
@given(any_scores(SMALL))
def test_an_inverted_scorer_has_the_rest_but_for_ties(scores: dict[str, float]) -> None:
    own = reward_bench.score(SMALL, scores)
    other = reward_bench.score(SMALL, {name: -score for name, score in scores.items()})
    assert own.figures["covered"].value + other.figures["covered"].value == pytest.approx(1 - own.ties / len(SMALL))


@settings(deadline=None)
@given(st.permutations(SMALL), any_scores(SMALL))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], scores: dict[str, float]) -> None:
    assert reward_bench.score(shuffled, scores) == reward_bench.score(SMALL, scores)


def test_published_rows_are_read(write_rows: WriteRows) -> None:
    (item, _) = reward_bench.read([write_rows("filtered.parquet", [row(1), row(2)])])
    assert (item.id, item.part, [each.text for each in item.candidates]) == ("1", "hep-go", ["good", "bad"])


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row(2, subset="chess"), "line 2: column 'subset': unknown value 'chess'"),
        (row(1), "line 2: the id '1' stands already"),
        (row(2, chosen=None), "line 2: column 'chosen' must be text, not null"),
        ({"id": 2}, "line 2: no column 'subset'"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=told):
        reward_bench.read([write_rows("a.jsonl", [row(1), bad])])
