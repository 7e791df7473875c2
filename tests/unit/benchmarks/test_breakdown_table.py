"""What stands behind the figures of a benchmark, as rows of parts and columns of scorers."""

from __future__ import annotations

import json

from synpref.benchmarks.breakdown_table import breakdown_table
from synpref.benchmarks.judged import ORDERS, measure_judge, pairs_of
from synpref.benchmarks.measured import measure
from synpref.benchmarks.selection import Given
from tests.unit.benchmarks.conftest import inverted, listed, pair, perfect

LAW = tuple(pair(f"law {n}", category="law") for n in range(4))
TAX = tuple(pair(f"tax {n}", category="tax") for n in range(4))


def test_parts_are_rows_and_scorers_columns() -> None:
    asked = Given("user_pairs", (*LAW, *TAX), 8)
    right, half = perfect(asked.items), perfect(LAW) | inverted(TAX)
    (table,) = breakdown_table(
        {"right": ("model", {"user_pairs": measure(asked, right, 7)}),
         "half": ("model", {"user_pairs": measure(asked, half, 7)})}
    )  # fmt: skip
    assert (table["benchmark"], table["scorers"]) == ("user_pairs", ["right", "half"])
    rows = {(row["by"], row["part"]): row["figures"] for row in table["rows"]}
    assert [one["value"] for one in rows["category", "tax"]] == [1.0, 0.0]
    assert [one["value"] for one in rows["category", "law"]] == [1.0, 1.0]
    quarter, _ = rows["length ratio", "quarter 1"]
    assert quarter["low"] <= quarter["high"]
    assert quarter["interval"] is not None
    assert not any(by == "label margin" for by, _ in rows)  # the file says of no pair how much better it is
    assert json.loads(json.dumps(table)) == table


def test_rm_bench_has_its_difficulties_from_easy_to_hard_a_judge_s_too() -> None:
    item = listed("chat/1", [1, 1, 1, 0, 0, 0], "chat")
    asked = Given("rm_bench", (item,), 1)
    said = {(each.comparison_id, order): each.better for each in pairs_of(item) for order in ORDERS}
    (table,) = breakdown_table(
        {"model": ("model", {"rm_bench": measure(asked, perfect(asked.items), None)}),
         "judge": ("judge", {"rm_bench": measure_judge(asked, said, None)})}
    )  # fmt: skip
    difficulties = [row for row in table["rows"] if row["by"] == "difficulty"]
    assert [row["part"] for row in difficulties] == ["easy", "normal", "hard"]
    assert [[one["value"] for one in row["figures"]] for row in difficulties] == [[1.0, 1.0]] * 3
    # one category is the whole, and of a judge there is no quarter
    assert not any(row["by"] == "category" for row in table["rows"])
    assert all(row["figures"][1] is None for row in table["rows"] if row["by"] != "difficulty")


def test_nothing_measured_is_no_table() -> None:
    empty = Given("user_pairs", (), 0)
    assert breakdown_table({"mine": ("model", {"user_pairs": measure(empty, {}, None)})}) == []
