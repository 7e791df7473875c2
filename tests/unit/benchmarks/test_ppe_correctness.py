"""PPE Correctness: pairs over five sets, and best-of-k."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import ppe_correctness
from synpref.benchmarks.items import Item
from synpref.benchmarks.ppe_correctness import PUBLISHED, SETS, best_of_k, set_of
from synpref.benchmarks.results import vouched
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import (
    Row,
    Scorer,
    WriteRows,
    any_scores,
    constant,
    inverted,
    listed,
    of_32,
    perfect,
)

TINY = [listed(f"{name}/1", [1, 0, 0, 1], name) for name in SETS]
SMALL = TINY[:2]
# as many rows as were published, of one pair each; of the set whose size is not known, one
ITEMS = [
    *(of_32(f"{name}/1", [1, 0, 0, 1], name) for name in SETS),
    *(of_32(f"{name}/{n}", [1, 0], name) for name, size in PUBLISHED.items() for n in range(2, (size or 1) + 1))
]  # fmt: skip


def row(number: int, **changed: object) -> Row:
    """A row as published, with four samples instead of 32."""
    own: Row = {"question_id": f"q{number}", "prompt": f"p{number}", "model_name": "m", "mean_score": 0.5}
    own |= {f"response_{place}": f"answer {place}" for place in range(1, 5)}
    return {**own, "scores": [True, False, False, True], "sampled_conflict_pairs": [[0, 1], [2, 3]], **changed}


def test_overall_is_the_plain_mean_of_the_five_sets_by_hand() -> None:
    result = vouched(ppe_correctness.score(ITEMS, perfect(ITEMS) | inverted(ITEMS[:1]) | {"math/1/0": 0.0}))
    # mmlu_pro none of 4; math: sample 0 ties with both wrong ones, sample 3 beats them: 2 of 4, and 511 others
    assert result.figures["set/mmlu_pro"].value == 0.0
    assert result.figures["set/math"].value == pytest.approx(513 / 515)
    assert result.overall is not None
    assert result.overall.value == pytest.approx((3 + 513 / 515) / 5)
    assert result.ties == 2


@pytest.mark.parametrize(("scorer", "expected"), [(perfect, 1.0), (inverted, 0.0), (constant, 0.0)])
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    result = vouched(ppe_correctness.score(ITEMS, scorer(ITEMS)))
    assert result.overall is not None
    assert result.overall.value == pytest.approx(expected)


def test_one_row_of_each_set_is_no_benchmark_whoever_vouches() -> None:
    result = ppe_correctness.score(TINY, perfect(TINY))
    assert (result.overall, result.coverage.missing) == (None, SETS)
    assert vouched(result).overall is None


def test_without_a_word_on_the_set_of_unknown_size_the_figure_is_of_what_is_covered() -> None:
    result = ppe_correctness.score(ITEMS, perfect(ITEMS))
    assert (result.overall, result.coverage.missing) == (None, ("mmlu_pro",))
    assert result.figures["covered"].value == 1.0


@pytest.mark.parametrize("size", [31, 33])
def test_a_row_of_other_than_32_responses_is_not_the_published_set(size: int) -> None:
    short = listed("math/1", [1, 0, 0, 1, *[0] * (size - 4)], "math")
    items = [short if item.id == "math/1" else item for item in ITEMS]
    result = vouched(ppe_correctness.score(items, perfect(items)))
    assert (result.overall, result.coverage.missing) == (None, ("mmlu_pro", "math"))
    assert result.coverage.told[1] == "math (1 of 512 without the published number of responses)"
    assert result.figures["set/math"].value == 1.0


def test_a_missing_set_leaves_no_overall() -> None:
    result = ppe_correctness.score(ITEMS[1:], perfect(ITEMS))
    assert (result.overall, result.coverage.missing) == (None, ("mmlu_pro",))
    assert result.figures["set/gpqa"].value == 1.0


def test_best_of_k_has_a_curve_for_each_set() -> None:
    found = best_of_k(TINY, constant(TINY))
    assert set(found) == {*SETS, "mean"}
    assert [point.value for point in found["gpqa"].picked] == pytest.approx([0.5] * 4)
    assert [point.value for point in found["gpqa"].oracle] == pytest.approx([1 / 2, 5 / 6, 1, 1])


@settings(deadline=None)
@given(st.permutations(SMALL), any_scores(SMALL))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], scores: dict[str, float]) -> None:
    assert ppe_correctness.score(shuffled, scores) == ppe_correctness.score(SMALL, scores)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("PPE-MMLU-Pro-Best-of-K/data/train-00000-of-00001.parquet", "mmlu_pro"),
        ("PPE-MBPP-Plus-Best-of-K.jsonl", "mbpp_plus"),
        ("files/math.parquet", "math"),
        ("math/gpqa.parquet", "gpqa"),
        ("ppe/IFEval.jsonl", "ifeval"),
        ("ppe/arithmetic.jsonl", None),
    ],
)
def test_the_nearest_name_tells_the_set(path: str, expected: str | None) -> None:
    assert set_of(Path("/data") / path) == expected


@pytest.mark.parametrize("name", ["gpqa.parquet", "PPE-GPQA-Best-of-K/train.jsonl"])
def test_published_rows_are_read(write_rows: WriteRows, name: str) -> None:
    (item,) = ppe_correctness.read([write_rows(name, [row(1)])])
    assert (item.id, item.part, item.pairs) == ("gpqa/q1/m", "gpqa", ((0, 1), (3, 2)))
    assert [(each.text, truth) for each, truth in zip(item.candidates, item.truths, strict=True)] == [
        ("answer 1", 1.0), ("answer 2", 0.0), ("answer 3", 0.0), ("answer 4", 1.0),
    ]  # fmt: skip


def test_a_prompt_may_stand_once_a_model(write_rows: WriteRows) -> None:
    rows = [row(1, model_name=model) for model in ("m", "n")]
    assert len(ppe_correctness.read([write_rows("gpqa.jsonl", rows)])) == 2


def without(name: str) -> Row:
    return {key: value for key, value in row(2).items() if key != name}


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row(1), "the id 'gpqa/q1/m' stands already"),
        (without("response_2"), "response_1 to response_k without a gap; found 3"),
        (row(2, scores=[True]), "column 'scores' must be a list of 4 values"),
        (row(2, scores=[1, 0, 0.5, 1]), "something else than right"),
        (row(2, scores=None), "column 'scores' must be a list of 4"),
        (row(2, sampled_conflict_pairs=None), "must be a list of pairs"),
        (row(2, sampled_conflict_pairs=[[0, 4]]), r"\[0, 4\] names no two of the 4 responses"),
        (row(2, sampled_conflict_pairs=[[0, -1]]), "names no two"),
        (row(2, sampled_conflict_pairs=[[0]]), "names no two"),
        (row(2, sampled_conflict_pairs=["01"]), "names no two"),
        (row(2, sampled_conflict_pairs=[[0, 3]]), r"\[0, 3\] are both right"),
        (row(2, response_3=None), "column 'response_3' must be text, not null"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"line 2: .*{told}"):
        ppe_correctness.read([write_rows("gpqa.jsonl", [row(1), bad])])


def test_a_file_that_tells_no_set_is_refused(write_rows: WriteRows) -> None:
    with pytest.raises(InputError, match="no file or folder name tells the set: name one of mmlu_pro, math"):
        ppe_correctness.read([write_rows("a.jsonl", [row(1)])])
