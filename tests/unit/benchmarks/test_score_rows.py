"""Results as rows of a table."""

from __future__ import annotations

from synpref.benchmarks import llmbar, user_pairs
from synpref.benchmarks.best_of_n import curves
from synpref.benchmarks.score_rows import ScoreRow, curve_rows, result_rows
from synpref.store.contracts.records import BENCHMARK_SCORES
from tests.unit.benchmarks.conftest import listed, pair, pairs, perfect

ITEMS = [pair("1", category="law"), pair("2", category="tax")]


def test_a_row_has_the_columns_of_the_table() -> None:
    names = tuple(column.name for column in BENCHMARK_SCORES.columns)
    assert names == ("campaign", "engine_id", *ScoreRow._fields)


def test_a_whole_benchmark_has_a_row_for_all() -> None:
    assert result_rows(user_pairs.score(ITEMS, perfect(ITEMS))) == [
        ("user_pairs", "all", "score", 1.0, None, None, 2),
        ("user_pairs", "category/law", "score", 1.0, None, None, 1),
        ("user_pairs", "category/tax", "score", 1.0, None, None, 1),
    ]


def test_a_benchmark_with_a_missing_part_has_none() -> None:
    items = pairs({"LLMBar/Natural": 2})
    (only,) = result_rows(llmbar.score(items, perfect(items), seed=7))
    assert (only.subset, only.low, only.high) == ("subset/LLMBar/Natural", 1.0, 1.0)


def test_a_curve_has_a_row_for_each_point_and_line() -> None:
    items = [listed("x", [1, 0])]
    rows = curve_rows("ppe_correctness", curves(items, perfect(items)))
    assert [(row.subset, row.metric, row.value) for row in rows] == [
        ("lists", "best_of_1", 0.5), ("lists", "best_of_2", 1.0), ("lists", "oracle_of_1", 0.5),
        ("lists", "oracle_of_2", 1.0),
    ]  # fmt: skip
