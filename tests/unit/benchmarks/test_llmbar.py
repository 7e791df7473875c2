"""LLMBar."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import llmbar
from synpref.benchmarks.items import Item
from synpref.benchmarks.llmbar import PUBLISHED
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import Row, Scorer, WriteRows, any_scores, constant, inverted, pairs, perfect

FULL = pairs(PUBLISHED)
SMALL = pairs({"LLMBar/Natural": 2, "CaseStudy/Base_9": 1})


def row(**changed: object) -> Row:
    return {"input": "do it", "output_1": "first", "output_2": "second", "label": 2, **changed}


def test_the_published_sizes_sum_to_419() -> None:
    assert len(FULL) == 419


def test_overall_is_the_plain_mean_of_the_five_sets_by_hand() -> None:
    wrong = [item for item in FULL if item.part == "LLMBar/Adversarial/Manual"]
    result = llmbar.score(FULL, perfect(FULL) | inverted(wrong[:23]))
    assert result.overall is not None
    assert result.overall.value == pytest.approx((4 + 0.5) / 5)
    assert result.figures["adversarial"].value == pytest.approx((3 + 0.5) / 4)


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    result = llmbar.score(FULL, scorer(FULL))
    assert result.overall is not None
    assert result.overall.value == pytest.approx(expected)


def test_other_sets_count_for_themselves_only() -> None:
    items = [*FULL, *pairs({"Processed/FairEval": 3})]
    result = llmbar.score(items, perfect(FULL) | inverted(items[len(FULL) :]))
    assert result.overall is not None
    assert result.overall.value == pytest.approx(1.0)
    assert result.figures["subset/Processed/FairEval"].value == 0.0


def test_a_missing_set_leaves_no_overall() -> None:
    items = [item for item in FULL if item.part != "LLMBar/Natural"]
    result = llmbar.score(items, perfect(items))
    assert (result.overall, result.coverage.missing) == (None, ("LLMBar/Natural",))
    assert result.figures["adversarial"].value == pytest.approx(1.0)


@settings(deadline=None)
@given(st.permutations(SMALL), any_scores(SMALL))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], scores: dict[str, float]) -> None:
    assert llmbar.score(shuffled, scores) == llmbar.score(SMALL, scores)


def test_published_files_are_read_by_their_folders(write_rows: WriteRows) -> None:
    path = write_rows("Dataset/LLMBar/Adversarial/GPTInst/dataset.json", [row(), row(input="other", label=1)])
    write_rows("Dataset/CaseStudy/Base_9/dataset.json", [row()])
    items = llmbar.read([path.parents[3]])
    assert [item.id for item in items] == [
        "CaseStudy/Base_9/0", "LLMBar/Adversarial/GPTInst/0", "LLMBar/Adversarial/GPTInst/1",
    ]  # fmt: skip
    assert [item.candidates[0].text for item in items] == ["second", "second", "first"]


def test_a_table_is_read(write_rows: WriteRows) -> None:
    (item,) = llmbar.read([write_rows("a.parquet", [row(id="x", subset="LLMBar/Natural")])])
    assert (item.id, item.part) == ("x", "LLMBar/Natural")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row(id="y", subset="Chess"), "column 'subset': unknown value 'Chess'"),
        (row(id="x", subset="LLMBar/Natural"), "the id 'x' stands already"),
        (row(id="y", subset="LLMBar/Natural", label=0), "column 'label' is 1 or 2, not 0"),
        (row(id="y", subset="LLMBar/Natural", label="1"), "column 'label' must be a finite number"),
        (row(id="y"), "no column 'subset', and the folder is none of"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"line 2: .*{told}"):
        llmbar.read([write_rows("a.jsonl", [row(id="x", subset="LLMBar/Natural"), bad])])
