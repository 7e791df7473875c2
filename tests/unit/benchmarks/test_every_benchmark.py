"""What holds for every benchmark of the suite, over a few items of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.benchmarks.items import Item, distinct_responses
from synpref.benchmarks.results import Result
from synpref.benchmarks.suite import BENCHMARKS, benchmark
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import any_scores, inverted, listed, names_of, pair, perfect

FEW: dict[str, list[Item]] = {
    "reward_bench": [pair("1", "math-prm"), pair("2", "hep-go"), pair("3", "donotanswer")],
    "reward_bench_2": [
        listed("Math/1", [1, 0, 0, 0], "Math"), listed("Ties/ref:1", [1, 0], "Ties"),
        listed("Ties/tied:1", [1, 1, 0], "Ties"),
    ],
    "ppe_preference": [pair("1", "battles", "English"), pair("2", "battles", "Polish")],
    "ppe_correctness": [listed("gpqa/1", [1, 0, 0, 1], "gpqa"), listed("math/1", [0, 1], "math")],
    "rmb": [
        pair("pairwise/1", "helpfulness/pairwise", "helpfulness/Chat/Discussion"),
        listed("bon/1", [1, 0, 0], "harmlessness/bon"),
    ],
    "rm_bench": [listed("chat/1", [1, 1, 1, 0, 0, 0], "chat"), listed("code/1", [1, 1, 1, 0, 0, 0], "code")],
    "judge_bench": [pair("1", "gpt-4o/math", "math"), pair("2", "claude/coding", "coding")],
    "llmbar": [pair("1", "LLMBar/Natural"), pair("2", "LLMBar/Adversarial/Manual"), pair("3", "CaseStudy/Normal")],
    "user_pairs": [pair("1", category="law"), pair("2", category="tax")],
}  # fmt: skip
NAMES = sorted(FEW)
drawn = st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), any_scores(FEW[name])))


def values(result: Result) -> dict[str, float]:
    return {name: figure.value for name, figure in result.figures.items()}


def score(name: str, scores: dict[str, float], items: Sequence[Item] | None = None, seed: int | None = None) -> Result:
    return benchmark(name).score(FEW[name] if items is None else items, scores, seed)


def test_every_benchmark_is_tried() -> None:
    assert sorted(BENCHMARKS) == NAMES


@settings(deadline=None, max_examples=40)
@given(drawn, st.sampled_from([0.25, 2.0, 16.0]), st.integers(-8, 8))
def test_scale_and_offset_of_scores_mean_nothing(case: tuple[str, dict[str, float]], scale: float, offset: int) -> None:
    name, scores = case
    moved = {each: value * scale + offset for each, value in scores.items()}
    assert values(score(name, moved)) == pytest.approx(values(score(name, scores)))


@settings(deadline=None, max_examples=40)
@given(drawn)
def test_no_scorer_beats_the_one_that_knows_the_truth(case: tuple[str, dict[str, float]]) -> None:
    name, scores = case
    best, worst, own = (values(score(name, each)) for each in (perfect(FEW[name]), inverted(FEW[name]), scores))
    # a difference of two figures has no best and no worst
    for figure in {key for key in own if not key.endswith("style_bias")}:
        assert worst[figure] - 1e-9 <= own[figure] <= best[figure] + 1e-9, figure


@settings(deadline=None)
@given(drawn, st.permutations(range(3)))
def test_the_order_of_items_means_nothing(case: tuple[str, dict[str, float]], order: list[int]) -> None:
    name, scores = case
    items = [FEW[name][place] for place in order if place < len(FEW[name])]
    assert score(name, scores, items) == score(name, scores)


@settings(deadline=None)
@given(drawn)
def test_scores_by_response_count_as_scores_by_place(case: tuple[str, dict[str, float]]) -> None:
    name, scores = case
    by_response = {each.response_id: scores[each.name] for item in FEW[name] for each in item.candidates}
    assert set(by_response) == set(distinct_responses(FEW[name]))
    assert score(name, by_response) == score(name, scores)


@pytest.mark.parametrize("name", NAMES)
def test_intervals_come_of_the_seed_alone(name: str) -> None:
    scores = perfect(FEW[name]) | inverted(FEW[name][:1])
    one, other = (score(name, scores, items, seed=7) for items in (FEW[name], FEW[name][::-1]))
    assert one == other
    assert all(
        figure.interval.low <= figure.value <= figure.interval.high
        for figure in one.figures.values()
        if figure.interval is not None
    )
    assert any(figure.interval is not None for figure in one.figures.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_result_is_plain_json(name: str) -> None:
    told = json.loads(json.dumps(score(name, perfect(FEW[name]), seed=7).as_dict()))
    assert (told["benchmark"], told["items"]) == (name, len(FEW[name]))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "user_pairs"])
def test_a_few_items_are_never_an_overall_figure(name: str) -> None:
    result = score(name, perfect(FEW[name]))
    assert result.overall is None
    assert result.coverage.missing


@pytest.mark.parametrize("name", NAMES)
def test_no_items_are_no_figures(name: str) -> None:
    result = score(name, {}, [])
    assert (result.overall, result.figures, result.items) == (None, {}, 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_score_names_its_candidate(name: str) -> None:
    scores = perfect(FEW[name])
    absent = names_of(FEW[name])[0]
    del scores[absent]
    with pytest.raises(InputError, match=f"candidate {absent} .* has no score"):
        score(name, scores)


def test_the_suite_needs_neither_spark_nor_a_model() -> None:
    asked = (
        "import sys, synpref.benchmarks.suite; print(sorted({'pyspark', 'torch', 'transformers'} & set(sys.modules)))"
    )
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, env=here)
    assert found.stdout.strip() == "[]"
