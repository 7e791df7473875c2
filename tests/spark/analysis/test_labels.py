"""Stage 2's decisions against the truth, and length at equal counts, over tables."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.analysis.blocks import with_blocks
from synpref.analysis.labels import label_sums, left_out_counts, measured_labels
from synpref.analysis.length import with_length_decision

Row = dict[str, Any]


def _pool(size: int) -> list[Row]:
    draw = random.Random(2)
    rows = []
    for n in range(size):
        winner = draw.choice("ab")
        right = draw.random() < 0.7
        label = winner if right else "ab".replace(winner, "")
        decision = draw.choices(["keep", "flip", "drop"], [6, 1, 3] if right else [2, 5, 3])[0]
        lengths = {"a": draw.choice([0, 10, 10, 40, 90]), "b": draw.choice([10, 20, 80])}
        rows.append({"id": f"c{n:03}", "source": draw.choice(["web", "lab"]), "group": f"g{n % 7}", "winner": winner,
                     "label": label, "decision": decision, "lengths": lengths})  # fmt: skip
    return rows


def _frames(spark: SparkSession, pool: list[Row]) -> list[DataFrame]:
    decisions = [(r["id"], r.get("role", "wild"), r["decision"], r["label"]) for r in pool]
    responses = [(f"{r['id']}{side}", r["lengths"][side]) for r in pool for side in "ab"]
    truth = [(r["id"], r["winner"]) for r in pool if r["winner"]]
    return [
        spark.createDataFrame(decisions, "comparison_id string, role string, decision string, source_label string"),
        spark.createDataFrame(truth, "comparison_id string, winner string"),
        spark.createDataFrame(
            [(r["id"], r["source"], r["group"]) for r in pool], "comparison_id string, source string, `group` string"
        ),
        spark.createDataFrame(
            [(r["id"], f"{r['id']}a", f"{r['id']}b") for r in pool],
            "comparison_id string, response_a string, response_b string",
        ),
        spark.createDataFrame(responses, "response_id string, characters int"),
    ]


def _support(row: Row) -> float:
    lengths = {side: max(1, characters) for side, characters in row["lengths"].items()}
    towards_a = math.log(lengths["a"]) - math.log(lengths["b"])
    return towards_a if row["label"] == "a" else -towards_a


def _expected(pool: list[Row]) -> dict[str, int]:
    """The same sums, the plain way: one sorted list."""
    ranked = sorted(pool, key=lambda r: (-round(_support(r), 12), r["id"]))
    kept, flipped = (sum(r["decision"] == one for r in pool) for one in ("keep", "flip"))
    parts = {"pool": pool, "length_keep": ranked[:kept], "length_flip": ranked[len(ranked) - flipped :]}
    parts |= {one: [r for r in pool if r["decision"] == one] for one in ("keep", "flip", "drop")}
    sums: dict[str, int] = {}
    for name, rows in parts.items():
        right = sum((r["label"] == r["winner"]) != name.endswith("flip") for r in rows)
        sums |= {f"{name}_rows": len(rows), f"{name}_right": right}
    return sums


def _rounded(rows: DataFrame) -> DataFrame:
    return rows.selectExpr("* except (support)", "round(support, 12) AS support")


def test_sums_equal_the_plain_computation_for_the_whole_and_within_topics(spark: SparkSession) -> None:
    pool = _pool(240)
    rows = _rounded(measured_labels(*_frames(spark, pool))).persist()
    whole = label_sums(with_length_decision(rows)).first()
    assert whole is not None
    assert whole.asDict() == _expected(pool)
    topics = label_sums(with_length_decision(rows, within=["group"]), by=["group"]).collect()
    assert {row["group"] for row in topics} == {f"g{n}" for n in range(7)}
    for row in topics:
        members = [r for r in pool if r["group"] == row["group"]]
        assert row.asDict() == {"group": row["group"], **_expected(members)}
    rows.unpersist()


def test_only_stage_2_counts_and_what_cannot_be_measured_is_counted_apart(spark: SparkSession) -> None:
    base = {"source": "s", "group": "g", "lengths": {"a": 1, "b": 2}, "winner": "a", "label": "a", "decision": "keep"}
    changes: list[Row] = [
        {}, {"winner": "tie"}, {"winner": None}, {"label": "tie", "decision": "drop"},
        {"label": "none", "decision": "drop"}, {"role": "silver"}, {"role": "gold-train"},
    ]  # fmt: skip
    pool = [{**base, "id": f"c{n}", **change} for n, change in enumerate(changes)]
    rows = measured_labels(*_frames(spark, pool))
    assert left_out_counts(rows) == {"no_source_label": 2, "no_truth": 1, "truth_is_tie": 1}
    assert [row.comparison_id for row in rows.where("left_out IS NULL").collect()] == ["c0"]


@pytest.mark.parametrize(("limit", "blocks"), [(7, 7), (3, 3)])
def test_blocks_are_groups_until_they_are_too_many_and_never_split_one(
    spark: SparkSession, limit: int, blocks: int
) -> None:
    rows = spark.createDataFrame([(f"g{n % 7}",) for n in range(30)], "`group` string")
    found = {(row["group"], row["block"]) for row in with_blocks(rows, limit=limit).collect()}
    assert len(found) == 7
    assert len({block for _, block in found}) <= blocks
    assert limit < 7 or all(group == block for group, block in found)
