"""Our figures in the paper's layout, beside the published rows."""

from __future__ import annotations

import pytest

from synpref.benchmarks.baselines import by_length
from synpref.benchmarks.figures import Figure
from synpref.benchmarks.measured import Measured, measure
from synpref.benchmarks.paper_table import coverage_notes, figure_table, paper_table
from synpref.benchmarks.published import AVERAGE, COLUMNS, PUBLISHED
from synpref.benchmarks.results import Coverage, Result
from synpref.benchmarks.selection import Given, given
from synpref.benchmarks.suite import PAPER
from tests.unit.benchmarks.conftest import pair, pairs, perfect


def overall(name: str, value: float | None) -> Measured:
    figure = None if value is None else Figure(value, 10, 10)
    return Measured(Result(name, figure, {}, Coverage(()), 10, 0), Figure(0.6, 10, 10), 10)


def test_columns_are_those_of_the_paper() -> None:
    assert tuple(COLUMNS) == PAPER
    assert all(len(values) == len(COLUMNS) + 1 for values in PUBLISHED.values())


@pytest.mark.parametrize("name", [name for name, values in PUBLISHED.items() if values[-1] is not None])
def test_a_published_average_is_that_of_its_row(name: str) -> None:
    *values, average = PUBLISHED[name]
    known = [value for value in values if value is not None]
    assert len(known) == len(COLUMNS)
    # the paper rounds; 0.1 more where a figure was read in another of its tables (paper.md §5.2, §9)
    assert sum(known) / len(known) == pytest.approx(average, abs=0.11 if name != "V2-Qwen3-4B" else 0.2)


def test_ours_come_first_and_an_average_needs_all_seven() -> None:
    seven = {name: overall(name, 0.1 * place) for place, name in enumerate(PAPER)}
    table = paper_table({"mine": ("model", seven), "partial": ("model", {**seven, "rmb": overall("rmb", None)})})
    assert table["columns"][-1] == AVERAGE
    first, second, third, *_ = table["rows"]
    assert (first["name"], first["kind"]) == ("mine", "model")
    assert first["values"][-1] == pytest.approx(0.3)
    assert (second["values"][4], second["values"][-1]) == (None, None)
    assert (third["kind"], third["name"]) == ("published", "V2-Qwen3-0.6B")
    assert third["values"][0] == pytest.approx(0.852)


def test_notes_say_what_is_absent_sampled_or_not_whole() -> None:
    sampled = given("rm_bench", [pair(str(n), "chat") for n in range(9)], 4, 7)
    part = Given("reward_bench", (pair("1", "hep-go"),), 1)
    whole = Given("judge_bench", tuple(pairs({"gpt-4o/math": 2})), 2)
    missing = {"reward_bench": [f"subset {n}" for n in range(8)], "judge_bench": []}
    notes = coverage_notes([sampled, part, whole], missing)
    assert notes == [
        "RB2, PPE-P, PPE-C, RMB: no files were named in evaluate.benchmarks",
        "RM-B: a sample of 4 of 9 items, so no overall figure",
        "RB: 1 items; absent or not whole: subset 0, subset 1, subset 2, subset 3 and 4 more",
    ]


def test_a_benchmark_that_is_not_whole_shows_the_accuracy_over_its_pairs() -> None:
    items = pairs({"chat": 3})
    found = measure(Given("rm_bench", (), 0), {}, None)
    assert figure_table({"mine": ("model", {"rm_bench": found})})[0]["value"] is None
    one = Given("reward_bench", tuple(pair(str(n), "hep-go") for n in range(4)), 4)
    rows = figure_table(
        {"mine": ("model", {"reward_bench": measure(one, perfect(one.items), 7)}),
         "length only": ("baseline", {"reward_bench": by_length(one, 7)})}
    )  # fmt: skip
    assert [(row["name"], row["figure"], row["items"], row["held"]) for row in rows] == [
        ("mine", "pairs", 4, 4), ("length only", "pairs", 4, 4),
    ]  # fmt: skip
    assert rows[0]["value"] == 1.0
    assert rows[0]["interval"]["low"] == 1.0
    assert len(items) == 3
