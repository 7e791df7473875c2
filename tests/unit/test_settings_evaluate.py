"""The section `evaluate`: what can be measured on what, and what is refused before anything starts."""

from __future__ import annotations

import pytest

from synpref.benchmarks import best_of_n
from synpref.benchmarks.suite import BENCHMARKS
from synpref.config import load_settings
from synpref.errors import SettingsError
from synpref.settings_evaluate import BENCHMARK_NAMES

PAIRS = "evaluate.benchmarks={user_pairs: [pairs.parquet]}"
MINE = "evaluate.models=[{name: mine, model: folder}]"

OF_USER_PAIRS = "{name: a, benchmark: user_pairs, path: p}"


def _error(*words: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(["local"], list(words))
    return str(caught.value)


def test_the_settings_know_every_benchmark_of_the_suite() -> None:
    assert tuple(BENCHMARKS) == BENCHMARK_NAMES


def test_a_model_and_a_file_are_enough() -> None:
    evaluate = load_settings(["local"], [MINE, PAIRS]).evaluate
    assert (evaluate.named, evaluate.models[0].name, evaluate.files) == (True, "mine", ["pairs.parquet"])
    assert load_settings(["demo"], []).evaluate.named is False


def test_files_are_those_of_benchmarks_lists_and_scores() -> None:
    scores = "evaluate.scores=[{name: theirs, benchmark: user_pairs, path: scores.csv}]"
    evaluate = load_settings(["local"], [PAIRS, scores, "evaluate.best_of_n=[lists.jsonl]"]).evaluate
    assert evaluate.files == ["pairs.parquet", "lists.jsonl", "scores.csv"]
    assert load_settings(["local"], [MINE, "evaluate.table=runs/x/pairs"]).evaluate.files == ["runs/x/pairs"]


def test_a_table_of_pairs_is_enough_and_stands_for_the_files_of_pairs() -> None:
    scores = f"evaluate.scores=[{OF_USER_PAIRS}]"
    evaluate = load_settings(
        ["local"], [MINE, scores, "evaluate.table=curated", "evaluate.where=policy = 'p'"]
    ).evaluate
    assert (evaluate.table, evaluate.where, evaluate.files) == ("curated", "policy = 'p'", ["p"])


def test_scores_of_lists_need_no_benchmark() -> None:
    scores = "evaluate.scores=[{name: theirs, benchmark: best_of_n, path: scores.csv}]"
    evaluate = load_settings(["local"], [scores, "evaluate.best_of_n=[lists.jsonl]"]).evaluate
    assert (evaluate.named, evaluate.scores[0].benchmark) == (True, best_of_n.NAME)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["evaluate.benchmarks={RM-Bench: [x]}"], "no benchmark is called 'RM-Bench'; did you mean rm_bench?"),
        ([MINE], "nothing to measure on"),
        ([PAIRS, "evaluate.models=[{name: length only, model: m}]"], "is the name of a baseline"),
        ([PAIRS, "evaluate.models=[{name: a, model: m}, {name: a, model: n}]"], "the name 'a' stands there twice"),
        ([PAIRS, "evaluate.scores=[{name: a, benchmark: rmb, path: p}]"], "name them in evaluate.benchmarks.rmb"),
        (
            [PAIRS, f"evaluate.scores=[{OF_USER_PAIRS}, {OF_USER_PAIRS}]"],
            "a has 2 files for user_pairs",
        ),
        ([PAIRS, "evaluate.scores=[{name: a, benchmark: best_of_n, path: p}]"], "name them in evaluate.best_of_n"),
        ([PAIRS, "evaluate.scores=[{name: a, benchmark: best-of-k, path: p}]"], "did you mean best_of_n?"),
        (["evaluate.benchmarks={best_of_n: [x]}"], "no benchmark is called 'best_of_n'"),
        ([PAIRS, "evaluate.judges=[carefull]"], "no model or record is called 'carefull'"),
        ([PAIRS, "evaluate.whole=[ppe_correctness]"], "evaluate.whole names ppe_correctness, whose files are missing"),
        ([PAIRS, "evaluate.table=curated"], "name pairs in benchmarks.user_pairs (files) or in table, not in both"),
        ([PAIRS, "evaluate.where=a = 1"], "evaluate.where selects rows of evaluate.table, which is null"),
        ([PAIRS, "evaluate.sample=0"], "evaluate.sample: input should be greater than 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_before_anything_starts(words: list[str], told: str) -> None:
    assert told in _error(*words)


def test_the_nearest_judge_of_the_roster_is_named() -> None:
    judge = "judges=[{name: careful, kind: replay, path: p}]"
    assert "did you mean careful?" in _error(PAIRS, judge, "evaluate.judges=[carefull]")
