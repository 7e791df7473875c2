"""JudgeBench: two splits, macro as in the paper and micro as published."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import judge_bench
from synpref.benchmarks.items import Item
from synpref.benchmarks.judge_bench import SPLITS
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import Row, Scorer, WriteRows, any_scores, constant, inverted, pairs, perfect

GPT = pairs({f"gpt-4o/{category}": size for category, size in SPLITS["gpt-4o"].items()})
CLAUDE = pairs({f"claude/{category}": size for category, size in SPLITS["claude"].items()})
SMALL = pairs({"gpt-4o/math": 2, "gpt-4o/coding": 3})


def row(number: int, **changed: object) -> Row:
    own: Row = {"pair_id": str(number), "original_id": "7", "source": "mmlu-pro-law", "question": f"q{number}"}
    texts: Row = {"response_model": "gpt-4o-2024-05-13", "response_A": "first", "response_B": "second", "label": "B>A"}
    return {**own, **texts, **changed}


def with_right(right: dict[str, int]) -> dict[str, float]:
    """Scores of the GPT-4o split that are right on so many pairs of a category."""
    scores = inverted(GPT)
    for category, size in right.items():
        scores |= perfect([item for item in GPT if item.part == f"gpt-4o/{category}"][:size])
    return scores


def test_the_published_sizes_sum_to_350_and_270() -> None:
    assert (len(GPT), len(CLAUDE)) == (350, 270)


@pytest.mark.parametrize(
    ("right", "macro", "micro"),
    [
        # paper.md §5.2: 0.6B, V2-Llama-3.1-8B and GPT-4o, whose shares are counts over 154, 98, 56 and 42
        ((96, 65, 46, 25), 67.5, 66.3),
        ((118, 74, 50, 33), 80.0, 78.6),
        ((78, 53, 42, 25), 59.8, 56.6),
    ],
)
def test_published_results_are_recomputed(right: tuple[int, ...], macro: float, micro: float) -> None:
    result = judge_bench.score(GPT, with_right(dict(zip(SPLITS["gpt-4o"], right, strict=True))))
    assert result.overall is not None
    # the paper averages rounded shares
    assert 100 * result.overall.value == pytest.approx(macro, abs=0.1)
    assert 100 * result.figures["gpt-4o/micro"].value == pytest.approx(micro, abs=0.06)
    assert result.figures["gpt-4o/macro"] == result.overall


def test_the_claude_split_is_beside_the_overall_figure() -> None:
    items = [*GPT, *CLAUDE]
    result = judge_bench.score(items, perfect(GPT) | inverted(CLAUDE))
    assert result.overall is not None
    assert [result.overall.value, result.figures["claude/macro"].value] == pytest.approx([1.0, 0.0])


def test_the_claude_split_alone_has_no_overall_figure() -> None:
    result = judge_bench.score(CLAUDE, perfect(CLAUDE))
    assert result.overall is None
    assert result.coverage.missing == ("gpt-4o/knowledge", "gpt-4o/reasoning", "gpt-4o/math", "gpt-4o/coding")
    assert result.figures["claude/micro"].value == 1.0


def test_a_split_that_is_not_whole_has_categories_only() -> None:
    result = judge_bench.score(GPT[1:], perfect(GPT))
    assert (result.overall, result.coverage.missing) == (None, ("gpt-4o/knowledge",))
    assert "gpt-4o/micro" not in result.figures
    assert result.figures["gpt-4o/knowledge"].rows == 153


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    result = judge_bench.score(GPT, scorer(GPT))
    assert result.overall is not None
    assert result.overall.value == pytest.approx(expected)


@settings(deadline=None)
@given(st.permutations(SMALL), any_scores(SMALL))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], scores: dict[str, float]) -> None:
    assert judge_bench.score(shuffled, scores) == judge_bench.score(SMALL, scores)


def test_published_rows_are_read(write_rows: WriteRows) -> None:
    rows = [row(1), row(2, source="livebench-math", response_model="claude-3-5-sonnet-20240620", label="A>B")]
    first, second = judge_bench.read([write_rows("gpt.jsonl", rows)])
    assert (first.part, [each.text for each in first.candidates]) == ("gpt-4o/knowledge", ["second", "first"])
    assert (second.part, second.category, second.candidates[0].text) == ("claude/math", "math", "first")


def test_a_category_that_is_given_counts(write_rows: WriteRows) -> None:
    given = {key: value for key, value in row(1, category="coding").items() if not key.startswith("response_A")}
    (item,) = judge_bench.read([write_rows("a.parquet", [{**given, "response_a": "first"}])])
    assert (item.part, item.candidates[1].text) == ("gpt-4o/coding", "first")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row(2, label="A=B"), "column 'label': unknown value 'A=B'"),
        (row(2, source="chess"), "column 'source': 'chess' is of no known category"),
        (row(2, category="chess"), "column 'category': unknown value 'chess'"),
        (row(2, response_model="llama"), "column 'response_model': 'llama' is of no known split"),
        (row(1), "the id '1' stands already"),
        (row(2, response_B=3), "column 'response_B' must be text, not int"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"line 2: .*{told}"):
        judge_bench.read([write_rows("a.jsonl", [row(1), bad])])
