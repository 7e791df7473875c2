"""RewardBench 2."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks import reward_bench_2
from synpref.benchmarks.items import Item
from synpref.benchmarks.reward_bench_2 import SUBSETS, best_of
from synpref.benchmarks.ties import TIES
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import Row, Scorer, WriteRows, any_scores, constant, inverted, listed, perfect

BEST_OF_4 = [subset for subset in SUBSETS if subset != TIES]
FULL = [
    *(listed(f"{subset}/{number}", [1, 0, 0, 0], subset) for subset in BEST_OF_4 for number in range(SUBSETS[subset])),
    *(listed(f"Ties/ref:{number}", [1, 0, 0], TIES) for number in range(51)),
    *(listed(f"Ties/tied:{number}", [1, 1, 0, 0], TIES) for number in range(51)),
]
SMALL = [listed("Math/1", [1, 0, 0, 0], "Math"), listed("Math/2", [1, 0, 0, 0], "Math")]


def row(number: int, **changed: object) -> Row:
    own: Row = {"id": str(number), "prompt": f"p{number}", "chosen": ["good"], "rejected": ["a", "b", "c"]}
    sizes: Row = {"num_correct": 1, "num_rejected": 3, "total_completions": 4}
    return {**own, **sizes, "subset": "Factuality", **changed}


def ties_row(name: str, right: int, **changed: object) -> Row:
    texts = [f"right {place}" for place in range(right)]
    sizes: Row = {"num_correct": right, "total_completions": right + 2}
    return row(0, id=name, subset="Ties", chosen=texts, rejected=["x", "y"], **{**sizes, **changed})


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3, 2, 1, 0], 1.0), ([2, 3, 1, 0], 0.0), ([3, 3, 1, 0], 0.5), ([3, 3, 3, 0], 1 / 3), ([1, 1, 1, 1], 0.25),
     ([2, 3, 3, 0], 0.0)],
)  # fmt: skip
def test_the_credit_is_shared_at_the_top(values: list[float], expected: float) -> None:
    assert best_of(values, (0,)) == pytest.approx(expected)


def test_the_published_sizes_sum_to_1865() -> None:
    assert (sum(SUBSETS.values()), len(FULL)) == (1865, 1865)


def test_overall_is_the_plain_mean_of_six_by_hand() -> None:
    scores = perfect(FULL) | inverted([item for item in FULL if item.part == "Math"])
    result = reward_bench_2.score(FULL, scores)
    assert result.overall is not None
    assert result.figures["subset/Math"].value == 0.0
    assert result.figures["subset/Ties"].value == pytest.approx(1.01)
    assert result.overall.value == pytest.approx((4 + 1.01) / 6)
    assert result.figures["ties/accurate reference"].rows == 51


def test_a_published_row_of_the_paper_is_the_mean_of_its_subsets() -> None:
    # paper.md §5.2: V2-Llama-3.1-8B, 84.1 overall
    assert sum([84.6, 66.2, 77.6, 96.7, 98.4, 81.2]) / 6 == pytest.approx(84.1, abs=0.05)


@pytest.mark.parametrize(
    ("scorer", "expected"), [(perfect, 6.01 / 6), (inverted, -0.01 / 6), (constant, 5 * 0.25 / 6)]
)  # fmt: skip
def test_what_scorers_get_that_know_all_or_nothing(scorer: Scorer, expected: float) -> None:
    result = reward_bench_2.score(FULL, scorer(FULL))
    assert result.overall is not None
    assert result.overall.value == pytest.approx(expected)
    assert result.ties == (1763 if scorer is constant else 0)


def test_a_missing_subset_leaves_no_overall() -> None:
    items = [item for item in FULL if item.part != TIES]
    result = reward_bench_2.score(items, perfect(items))
    assert (result.overall, result.coverage.missing) == (None, (TIES,))
    assert result.figures["subset/Safety"].value == 1.0
    assert "subset/Ties" not in result.figures


def test_what_is_covered_is_the_mean_of_the_subsets_there_by_hand() -> None:
    some = [*SMALL, *(listed(f"Focus/{n}", [1, 0, 0, 0], "Focus") for n in range(4))]
    ties = [listed("Ties/ref:1", [1, 0], TIES), listed("Ties/tied:1", [1, 1, 0], TIES)]
    # Math 1 of 2, Focus 4 of 4: the mean of subsets, not of six rows
    scores = perfect([*some, *ties]) | inverted(some[:1])
    result = reward_bench_2.score(some, scores, 7)
    assert result.overall is None
    assert result.figures["covered"].value == pytest.approx((0.5 + 1) / 2)
    assert result.figures["covered"].interval is not None
    assert reward_bench_2.score([*some, *ties], scores).figures["covered"].value == pytest.approx((0.5 + 1 + 1.01) / 3)
    # Ties without references has no score of its own, and takes no part
    assert reward_bench_2.score([*some, ties[1]], scores).figures["covered"].value == pytest.approx((0.5 + 1) / 2)
    references = [listed(f"Ties/ref:{n}", [1, 0], TIES) for n in range(SUBSETS[TIES])]
    alone = [*(item for item in FULL if item.part != TIES), *references]
    result = reward_bench_2.score(alone, perfect(alone))
    assert (result.coverage.complete, result.overall, result.figures["covered"].value) == (True, None, 1.0)
    assert "covered" not in reward_bench_2.score(FULL, perfect(FULL)).figures
    assert "covered" not in reward_bench_2.score([], {}).figures


def test_an_interval_holds_the_figure() -> None:
    figure = reward_bench_2.score(FULL, perfect(FULL) | inverted(FULL[:100]), seed=7).overall
    assert figure is not None
    assert figure.interval is not None
    assert figure.interval.low < figure.value < figure.interval.high


@settings(deadline=None)
@given(st.permutations(range(4)), any_scores(SMALL))
def test_the_order_of_candidates_means_nothing(order: list[int], scores: dict[str, float]) -> None:
    item = SMALL[0]
    values = [scores[candidate.name] for candidate in item.candidates]
    assert best_of([values[place] for place in order], (order.index(0),)) == best_of(values, (0,))


@settings(deadline=None)
@given(st.permutations(SMALL), any_scores(SMALL))
def test_the_order_of_rows_means_nothing(shuffled: list[Item], scores: dict[str, float]) -> None:
    assert reward_bench_2.score(shuffled, scores) == reward_bench_2.score(SMALL, scores)


def test_published_rows_are_read(write_rows: WriteRows) -> None:
    rows = [row(1), ties_row("ref:0", 1), ties_row("tied:0", 5)]
    plain, reference, tied = reward_bench_2.read([write_rows("test.parquet", rows)])
    assert (plain.id, plain.part, plain.right, len(plain.candidates)) == ("Factuality/1", "Factuality", (0,), 4)
    assert (reference.id, len(tied.right), len(tied.wrong)) == ("Ties/ref:0", 5, 2)
    scores = perfect([plain, reference, tied])
    assert reward_bench_2.score([plain, reference, tied], scores).figures["subset/Ties"].value == pytest.approx(1.01)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row(2, subset="Chess"), "unknown value 'Chess'"),
        (row(1), "the id 'Factuality/1' stands already"),
        (
            row(2, chosen=["a", "b"], num_correct=2, total_completions=5),
            "three rejected responses, not 2 and 3",
        ),
        (row(2, rejected=["a", "b"], num_rejected=2, total_completions=3), "three rejected responses, not 1 and 2"),
        (row(2, rejected=list("abcd"), num_rejected=4, total_completions=5), "three rejected responses, not 1 and 4"),
        (row(2, chosen="good"), "column 'chosen' must be a list of texts, not str"),
        (row(2, rejected=[]), "column 'rejected' holds 0 texts"),
        (row(2, num_correct=2), "num_correct is 2, but the lists hold 1"),
        (row(2, total_completions=5), "total_completions is 5, but the lists hold 4"),
        (ties_row("7", 3), "the id of a Ties row is ref:<n> or tied:<n>, not '7'"),
        (ties_row("ref:7", 3), "ref:7 is a reference and has 3 right answers"),
    ],
)
def test_a_bad_row_is_named(write_rows: WriteRows, bad: Row, told: str) -> None:
    with pytest.raises(InputError, match=f"line 2: .*{told}"):
        reward_bench_2.read([write_rows("a.jsonl", [row(1), bad])])
