"""Coverage: what is there of what was published."""

from __future__ import annotations

import pytest

from synpref.benchmarks.figures import Figure
from synpref.benchmarks.results import Part, Result, coverage, present, tied_pairs
from tests.unit.benchmarks.conftest import constant, listed, pairs, perfect


@pytest.mark.parametrize(
    ("items", "published", "complete"), [(3, 3, True), (2, 3, False), (4, 3, False), (1, None, False), (0, None, False)]
)
def test_a_part_is_complete_when_all_of_it_is_there_and_no_more(
    items: int, published: int | None, complete: bool
) -> None:
    assert Part("x", items, published).complete == complete


def test_a_part_of_unknown_size_is_whole_where_somebody_says_so() -> None:
    cover = coverage(pairs({"a": 2}), {"a": None, "b": None, "c": 1})
    assert cover.told == ("a (its size is not known)", "b", "c")
    assert cover.vouched().missing == ("b", "c")


def test_coverage_names_what_is_missing_in_the_published_order() -> None:
    cover = coverage(pairs({"a": 2, "b": 1, "other": 5}), {"c": None, "b": 2, "a": 2})
    assert (cover.missing, cover.complete) == (("c", "b"), False)
    assert (cover.has(["a"]), cover.has(["a", "b"])) == (True, False)


def test_a_result_becomes_plain_values() -> None:
    cover = coverage(pairs({"a": 2}), {"a": 2, "b": None})
    figure = Figure(0.5, 2, 2)
    told = Result("x", None, {"subset/a": figure}, cover, 2, 1).as_dict()
    assert told == {
        "benchmark": "x",
        "overall": None,
        "figures": {"subset/a": {"value": 0.5, "rows": 2, "prompts": 2, "interval": None}},
        "parts": {"a": {"items": 2, "published": 2}, "b": {"items": 0, "published": None}},
        "missing": ["b"],
        "items": 2,
        "ties": 1,
    }


def test_figures_that_could_not_be_computed_are_left_out() -> None:
    figure = Figure(0.5, 2, 2)
    assert present({"a": figure, "b": None}) == {"a": figure}


def test_ties_are_counted_by_pair() -> None:
    items = [listed("x", [1, 0, 0])]
    assert (tied_pairs(items, constant(items)), tied_pairs(items, perfect(items))) == (2, 0)
