"""Best-of-n curves and their oracle line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import best_of_n
from synpref.benchmarks.best_of_n import curve, curves, expected_best
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import Row, WriteRows, any_scores, constant, inverted, listed, perfect

ITEMS = [listed("1", [1, 0, 0, 1]), listed("2", [0.2, 0.9, 0.4])]
VALUES = st.lists(st.tuples(st.integers(-2, 2).map(float), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=6)


def by_hand(scores: Sequence[float], truths: Sequence[float], n: int) -> float:
    """The same over every way to draw n candidates, one by one."""
    picked = []
    for drawn in combinations(zip(scores, truths, strict=True), n):
        top = max(score for score, _ in drawn)
        picked.append(fmean(truth for score, truth in drawn if score == top))
    return fmean(picked)


def test_the_expected_best_by_hand() -> None:
    # scores 3 > 2 > 1 of truths 0, 1, 0: two drawn hold the first in 2 of 3 ways, else the second
    assert expected_best([3, 2, 1], [0, 1, 0]).tolist() == pytest.approx([1 / 3, 1 / 3, 0])


@settings(deadline=None)
@given(VALUES)
def test_every_way_to_draw_counts_once(values: list[tuple[float, float]]) -> None:
    scores, truths = zip(*values, strict=True)
    expected = [by_hand(scores, truths, n) for n in range(1, len(values) + 1)]
    assert expected_best(scores, truths).tolist() == pytest.approx(expected)


@settings(deadline=None)
@given(VALUES.flatmap(lambda values: st.tuples(st.just(values), st.permutations(values))))
def test_the_order_of_candidates_means_nothing(both: tuple[list[tuple[float, float]], ...]) -> None:
    one, other = (expected_best(*zip(*values, strict=True)).tolist() for values in both)
    assert one == pytest.approx(other)


@settings(deadline=None)
@given(any_scores(ITEMS))
def test_the_oracle_is_never_beaten_and_never_falls(scores: dict[str, float]) -> None:
    found = curve(ITEMS, scores)
    oracle = [point.value for point in found.oracle]
    assert all(point.value <= best + 1e-12 for point, best in zip(found.picked, oracle, strict=True))
    assert oracle == pytest.approx(sorted(oracle))


def test_a_perfect_scorer_is_the_oracle() -> None:
    found = curve(ITEMS, perfect(ITEMS))
    assert found.picked == found.oracle


def test_a_constant_scorer_has_the_mean_for_every_n() -> None:
    found = curve(ITEMS, constant(ITEMS))
    assert [point.value for point in found.picked] == pytest.approx([0.5] * 3)


def test_an_inverted_scorer_ends_at_the_worst() -> None:
    found = curve(ITEMS, inverted(ITEMS))
    assert found.picked[-1].value == pytest.approx((0 + 0.2) / 2)
    assert found.picked[0].value == pytest.approx(0.5)


def test_a_curve_ends_where_the_shortest_list_does() -> None:
    found = curve(ITEMS, perfect(ITEMS))
    assert (len(found.picked), [point.rows for point in found.oracle]) == (3, [2, 2, 2])


def test_a_curve_that_ends_early_says_where_and_how_many_lists_are_as_short() -> None:
    items = [listed(str(n), [1, 0, 0, 0]) for n in range(3)] + [listed(f"short {n}", [1, None, 0]) for n in range(2)]
    found = curve(items, perfect(items))
    assert (found.lists, found.shortest, found.longest) == (5, 2, 4)
    assert found.notes == [
        "ends at n = 2, since 2 of 5 lists hold no more candidates with a true score; the longest holds 4",
        "left out for want of a true score: 2 candidates",
    ]
    assert found.as_dict()["shortest"] == 2
    assert curve(items[:3], perfect(items)).notes == []


def test_lists_without_any_truth_are_counted() -> None:
    items = [listed("1", [1, 0]), listed("2", [None, None, None])]
    found = curve(items, perfect(items))
    assert (found.lists, found.unknown, found.empty) == (1, 3, 1)
    assert found.notes == ["left out for want of a true score: 3 candidates, among them all of 1 lists"]
    assert curve(items[1:], {}).notes == found.notes
    assert curve([], {}).notes == []


def test_candidates_of_unknown_truth_take_no_part() -> None:
    items = [listed("1", [None, 1, 0, None]), listed("2", [None, None])]
    found = curve(items, {"1/1": 1.0, "1/2": 2.0})
    assert [point.value for point in found.picked] == [0.5, 0.0]
    assert found.picked[0].prompts == 1


def test_nothing_to_draw_from_is_an_empty_curve() -> None:
    assert curve([], {}) == best_of_n.Curve((), ())


def test_each_part_has_its_curve_and_all_have_one() -> None:
    items = [listed("1", [1, 0], "a"), listed("2", [0, 0], "b")]
    found = curves(items, perfect(items))
    assert {name: each.picked[1].value for name, each in found.items()} == {"a": 1.0, "b": 0.0, "mean": 0.5}
    assert set(curves(items[:1], perfect(items))) == {"a"}


def test_intervals_resample_prompts() -> None:
    items = [listed(str(number), [1, 0] if number % 2 else [0, 0]) for number in range(30)]
    found = curve(items, perfect(items), seed=7)
    interval = found.picked[1].interval
    assert interval is not None
    assert interval.low < found.picked[1].value < interval.high
    assert found.as_dict()["picked"][1]["interval"]["groups"] == 30


def test_lists_are_read(write_rows: WriteRows) -> None:
    candidates = [{"index": 0, "text": "a", "gpt4_turbo_p_beats_ref": 0.25}, {"index": 1, "text": "b"}]
    rows: list[Row] = [{"prompt_id": 5, "prompt": "p", "subset": "koala", "candidates": candidates}]
    (item,) = best_of_n.read([write_rows("bon.parquet", rows)])
    assert (item.id, item.part, item.truths, item.pairs) == ("5", "koala", (0.25, None), ())
    (plain,) = best_of_n.read(
        [write_rows("b.jsonl", [{"id": "x", "prompt": "p", "candidates": [{"text": "a", "true_score": 1}]}])]
    )
    assert (plain.part, plain.truths) == ("lists", (1.0,))


@pytest.mark.parametrize(
    ("candidates", "told"),
    [
        ([], "column 'candidates' must be a list of at least one object"),
        ([{"text": "a"}], r"candidates\[0\]: no column 'true_score' or 'gpt4_turbo_p_beats_ref'"),
        ([{"text": "a", "true_score": "good"}], r"candidates\[0\]: column 'true_score' must be a finite number"),
        ([{"true_score": 1}], r"candidates\[0\]: no column 'text'"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, candidates: list[Row], told: str) -> None:
    with pytest.raises(InputError, match=f"line 1.*{told}"):
        best_of_n.read([write_rows("a.jsonl", [{"id": "x", "prompt": "p", "candidates": candidates}])])
