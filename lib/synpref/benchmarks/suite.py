"""The suite: every benchmark by name, how it is read and how it is scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from synpref.benchmarks import (
    judge_bench,
    llmbar,
    ppe_correctness,
    ppe_preference,
    reward_bench,
    reward_bench_2,
    rm_bench,
    rmb,
    user_pairs,
)
from synpref.benchmarks.items import Item
from synpref.benchmarks.results import Result
from synpref.benchmarks.scores import Scores
from synpref.errors import InputError

# The seven whose plain mean the paper gives as a model's average (paper.md §5.2)
PAPER = (
    reward_bench.NAME, reward_bench_2.NAME, ppe_preference.NAME, ppe_correctness.NAME, rmb.NAME, rm_bench.NAME,
    judge_bench.NAME,
)  # fmt: skip


class Score(Protocol):
    """The function that scores a benchmark's items; seed: of the intervals, None for none."""

    def __call__(self, items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
        """Score items, each candidate by its response_id or its name."""
        ...


class Benchmark(NamedTuple):
    """A benchmark: how its files become items, and how scores of their candidates become a result."""

    name: str
    read: Callable[[Iterable[str | Path]], tuple[Item, ...]]
    score: Score


BENCHMARKS: Mapping[str, Benchmark] = {
    module.NAME: Benchmark(module.NAME, module.read, module.score)
    for module in (
        reward_bench, reward_bench_2, ppe_preference, ppe_correctness, rmb, rm_bench, judge_bench, llmbar, user_pairs,
    )
}  # fmt: skip


def benchmark(name: str) -> Benchmark:
    """Find a benchmark. Raises InputError that lists the names there are."""
    if name not in BENCHMARKS:
        raise InputError(f"no benchmark is called {name!r}; there are {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def paper_average(results: Mapping[str, Result]) -> float | None:
    """Plain mean of the seven overall figures; None unless every one of them is there (paper.md §5.2)."""
    figures = [results[name].overall for name in PAPER if name in results]
    values = [figure.value for figure in figures if figure is not None]
    return sum(values) / len(PAPER) if len(values) == len(PAPER) else None
