"""All that is measured of one scorer on one benchmark."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from synpref.benchmarks.baselines import by_chance
from synpref.benchmarks.items import Item, make_pair
from synpref.benchmarks.measured import Measured, comparable, measure
from synpref.benchmarks.ppe_correctness import PUBLISHED
from synpref.benchmarks.selection import Given, given
from tests.unit.benchmarks.conftest import inverted, listed, of_32, pair, perfect, user


def named(number: int, category: str, margin: float) -> Item:
    texts = ("good" * (1 + number % 3), "worse answer")
    return make_pair(f"{number}", user(f"prompt {number}"), *texts, part="pairs", category=category, margin=margin)


ITEMS = tuple(named(number, "law" if number % 2 else "tax", number / 8) for number in range(8))
# right on all but two of tax
SCORES = perfect(ITEMS) | inverted([ITEMS[0], ITEMS[4]])


def whole(items: tuple[Item, ...] = ITEMS, name: str = "user_pairs") -> Given:
    return Given(name, items, len(items))


def test_a_whole_benchmark_has_its_overall_figure_and_what_stands_behind_it() -> None:
    found = measure(whole(), SCORES, 7)
    assert found.result.overall is not None
    assert found.headline is found.result.overall
    assert (found.result.overall.value, found.held, found.unscored) == (0.75, 8, 0)
    assert found.accuracy is not None
    assert found.accuracy.value == 0.75
    assert {name: figure.value for name, figure in found.categories.items()} == {"law": 1.0, "tax": 0.5}
    # margins 0, 1/8 | 2/8, 3/8 | 4/8, 5/8 | 6/8, 7/8, of which those of items 0 and 4 are wrong
    assert [quarter.accuracy.value for quarter in found.quarters["label_margin"]] == [0.5, 1.0, 0.5, 1.0]
    assert set(found.quarters) == {"length_ratio", "label_margin", "score_margin"}
    assert found.length is not None
    assert found.length.rows == 16


def test_rows_that_were_refused_stand_beside_what_was_measured() -> None:
    found = measure(whole()._replace(refused=3), SCORES, 7)
    (row,) = (row for row in found.rows() if row.metric == "refused_rows")
    assert (row.subset, row.value, row.items) == ("all", 3.0, 8)
    assert found.as_dict()["refused"] == 3
    assert found.result.overall is not None
    assert not [row for row in measure(whole(), SCORES, 7).rows() if row.metric == "refused_rows"]


def test_a_sample_is_never_an_overall_figure() -> None:
    found = measure(given("user_pairs", ITEMS, 4, 7), SCORES, None)
    assert found.result.overall is None
    assert (found.result.items, found.held) == (4, 8)
    assert found.result.figures["covered"] == found.accuracy == found.headline


def test_what_a_model_refused_is_counted_and_no_overall_figure_is_given() -> None:
    scores = {name: value for name, value in SCORES.items() if not name.startswith("0/")}
    found = measure(whole(), scores, None)
    assert (found.result.overall, found.unscored, found.result.items) == (None, 1, 7)
    assert found.result.figures["covered"].value == pytest.approx(6 / 7)


def test_nothing_scored_is_no_figure_and_no_failure() -> None:
    found = measure(whole(), {}, 7)
    assert (found.headline, found.unscored, found.length) == (None, 8, None)
    assert found.rows() == []


def test_rows_have_one_key_each_and_intervals_where_a_seed_is_given() -> None:
    rows = measure(whole(), SCORES, 7).rows()
    places = Counter((row.benchmark, row.subset, row.metric) for row in rows)
    assert max(places.values()) == 1
    assert {("user_pairs", "all", "score"), ("user_pairs", "all", "accuracy"), ("user_pairs", "all",
            "length_correlation"), ("user_pairs", "category/law", "score"), ("user_pairs", "category/law", "accuracy"),
            ("user_pairs", "length_ratio/quarter 1", "accuracy")} <= set(places)  # fmt: skip
    assert all(row.low is not None and row.low <= row.value for row in rows)
    assert all(row.low is None for row in measure(whole(), SCORES, None).rows())


def test_ppe_correctness_has_curves_of_its_sets() -> None:
    items = (listed("gpqa/1", [1, 0, 0, 0], "gpqa"), listed("math/1", [1, 1, 0, 0], "math"))
    found = measure(whole(items, "ppe_correctness"), perfect(items), None)
    assert set(found.curves) == {"gpqa", "math", "mean"}
    best = {row.subset: row.value for row in found.rows() if row.metric == "best_of_1"}
    assert best == {"gpqa": 0.25, "math": 0.5, "mean": 0.375}


@pytest.mark.parametrize("vouched", [True, False])
def test_the_settings_may_vouch_for_files_of_unknown_size(vouched: bool) -> None:
    items = tuple(of_32(f"{name}/{n}", [1, 0], name) for name, size in PUBLISHED.items() for n in range(size or 3))
    found = measure(whole(items, "ppe_correctness")._replace(whole=vouched), perfect(items), None)
    assert (found.result.overall is not None) == vouched
    assert (by_chance(Given("ppe_correctness", items, len(items), vouched), 7).result.overall is not None) == vouched


def test_scorers_are_compared_by_one_measure_a_benchmark() -> None:
    some = {name: value for name, value in SCORES.items() if not name.startswith("0/")}
    full, part = measure(whole(), SCORES, None), measure(whole(), some, None)
    other = measure(whole(tuple(pair(f"p{n}", "hep-go") for n in range(2)), "reward_bench"), {}, None)
    assert full.result.overall is not None
    assert comparable({"a": {"user_pairs": full}, "b": {"user_pairs": full}}) == {
        "a": {"user_pairs": 0.75}, "b": {"user_pairs": 0.75}
    }  # fmt: skip
    mixed = comparable({"a": {"user_pairs": replace(full, accuracy=other.accuracy)}, "b": {"user_pairs": part}})
    assert mixed == {"a": {}, "b": {"user_pairs": part.accuracy and part.accuracy.value}}


def test_reward_bench_2_in_part_has_a_headline_that_says_what_it_is_and_takes_part_in_comparisons() -> None:
    lists = tuple(listed(f"Math/{n}", [1, 0, 0, 0], "Math") for n in range(4))
    bare = tuple(Item(**{**each.__dict__, "pairs": ()}) for each in lists)
    found = measure(given("reward_bench_2", bare, 2, 7), perfect(bare), None)
    assert (found.headline and found.headline.value, found.headline_name) == (1.0, "covered")
    full = replace(found, result=replace(found.result, overall=found.headline, figures={}))
    assert full.headline_name == "overall"
    assert comparable({"a": {"reward_bench_2": found}, "b": {"reward_bench_2": full}}) == {
        "a": {"reward_bench_2": 1.0}, "b": {"reward_bench_2": 1.0}
    }  # fmt: skip
    assert measure(whole(), SCORES, None).headline_name == "overall"
    assert measure(given("user_pairs", ITEMS, 4, 7), SCORES, None).headline_name == "pairs"


def test_all_of_it_is_plain_json() -> None:
    told = json.loads(json.dumps(measure(whole(), SCORES, 7).as_dict()))
    assert (told["accuracy"]["value"], told["held"], told["unscored"]) == (0.75, 8, 0)
    assert len(told["quarters"]["label_margin"]) == 4


def test_a_benchmark_of_lists_alone_has_no_accuracy_over_pairs() -> None:
    items = (pair("1", "math-prm"),)
    found: Measured = measure(whole(items, "reward_bench"), perfect(items), None)
    assert found.accuracy is not None
    lists = tuple(listed(f"Math/{n}", [1, 0, 0, 0], "Math") for n in range(2))
    bare = tuple(Item(**{**each.__dict__, "pairs": ()}) for each in lists)
    assert measure(whole(bare, "reward_bench_2"), perfect(bare), None).accuracy is None
