"""The suite of benchmarks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from synpref.benchmarks.figures import Figure
from synpref.benchmarks.results import Coverage, Result
from synpref.benchmarks.suite import BENCHMARKS, PAPER, benchmark, paper_average
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import WriteRows, perfect

# paper.md §5.2: V2-Llama-3.1-8B, in the order of the table, and its average
FIGURES = (96.4, 84.1, 77.3, 83.4, 86.4, 92.8, 80.0)
RESULTS = {
    name: Result(name, Figure(value, 1, 1), {}, Coverage(()), 1, 0) for name, value in zip(PAPER, FIGURES, strict=True)
}


def test_every_benchmark_stands_under_its_name() -> None:
    assert len(BENCHMARKS) == 9
    assert all(name == each.name for name, each in BENCHMARKS.items())
    assert set(PAPER) <= set(BENCHMARKS)


def test_an_unknown_benchmark_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no benchmark is called 'chess'; there are reward_bench, reward_bench_2"):
        benchmark("chess")


def test_the_average_of_the_paper_is_recomputed() -> None:
    assert paper_average(RESULTS) == pytest.approx(85.8, abs=0.05)


def test_there_is_no_average_with_a_benchmark_missing_or_not_whole() -> None:
    assert paper_average({name: result for name, result in RESULTS.items() if name != "rmb"}) is None
    assert paper_average(RESULTS | {"rmb": replace(RESULTS["rmb"], overall=None)}) is None


def test_a_benchmark_goes_from_file_to_json(write_rows: WriteRows) -> None:
    chosen = benchmark("user_pairs")
    items = chosen.read([write_rows("a.jsonl", [{"prompt": "p", "chosen": "a", "rejected": "b"}])])
    told = json.loads(json.dumps(chosen.score(items, perfect(items), 7).as_dict()))
    assert (told["benchmark"], told["overall"]["value"], told["parts"]) == (
        "user_pairs", 1.0, {"pairs": {"items": 1, "published": None}},
    )  # fmt: skip
