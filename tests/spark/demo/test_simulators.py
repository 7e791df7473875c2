"""Simulated people, judges and attributes as tables that fit their contracts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.demo.attributes import UNKNOWN, describe
from synpref.demo.files import PoolFiles, write_pool
from synpref.demo.judges import Judge, answer
from synpref.demo.people import crowd, label_comparisons
from synpref.store.contracts import TABLES

SEED, PROMPTS = 3, 90


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PoolFiles:
    return write_pool(tmp_path_factory.mktemp("generated pool"), seed=SEED, prompts=PROMPTS, test_prompts=4)


@pytest.fixture(scope="module")
def truth(spark: SparkSession, files: PoolFiles) -> DataFrame:
    return spark.read.parquet(str(files.truth))


@pytest.fixture(scope="module")
def asked(spark: SparkSession, truth: DataFrame) -> DataFrame:
    """All generated comparisons, and one that has no truth."""
    return truth.select("comparison_id").union(spark.createDataFrame([("unknown",)], "comparison_id string"))


def fits(rows: DataFrame, table: str) -> None:
    expected = {column.name: column.type for column in TABLES[table].columns}
    assert dict(rows.dtypes) == expected
    assert rows.columns == [column.name for column in TABLES[table].columns]
    seen = rows.collect()
    for column in TABLES[table].columns:
        values = [row[column.name] for row in seen]
        assert column.nullable or None not in values, column.name
        assert not column.allowed or {v for v in values if v is not None} <= set(column.allowed), column.name


def labelled(asked: DataFrame, truth: DataFrame, **changed: object) -> DataFrame:
    arguments = {"seed": SEED, "annotators": 3, "error_rate": 0.1, "batch": "b0", **changed}
    return label_comparisons(asked, truth, **arguments)  # type: ignore[arg-type]  # keywords of several types


def test_people_label_every_comparison_once(asked: DataFrame, truth: DataFrame) -> None:
    rows = labelled(asked, truth)
    fits(rows, "human_labels")
    ids = [row.comparison_id for row in rows.select("comparison_id").collect()]
    assert sorted(ids) == sorted(row.comparison_id for row in asked.collect())


def test_people_are_named_simulated_and_share_the_work(asked: DataFrame, truth: DataFrame) -> None:
    rows = labelled(asked, truth).collect()
    names = {row.annotator for row in rows}
    assert names == {f"{crowd(SEED, 3, 0.1)}{number}" for number in (1, 2, 3)}
    assert all(name.startswith("simulated:") for name in names)
    others = labelled(asked, truth, error_rate=0.3).collect()
    assert not names & {row.annotator for row in others}  # their answers never count as these people's
    assert {row.label_origin for row in rows} == {"simulated"}
    assert {row.batch for row in rows} == {"b0"}


def test_people_are_mostly_right_and_leave_the_unknown_undecided(asked: DataFrame, truth: DataFrame) -> None:
    winners = {row.comparison_id: row.winner for row in truth.collect()}
    said = {row.comparison_id: row.verdict for row in labelled(asked, truth).collect()}
    assert said.pop("unknown") == "cannot_decide"
    clear = {one: verdict for one, verdict in said.items() if winners[one] != "tie"}
    sides = [(verdict, winners[one]) for one, verdict in clear.items() if verdict in {"a", "b"}]
    assert sum(verdict == winner for verdict, winner in sides) / len(sides) == pytest.approx(0.9, abs=0.06)


def test_people_answer_alike_however_the_rows_are_spread(asked: DataFrame, truth: DataFrame) -> None:
    spread = ((asked.coalesce(1), truth), (asked.repartition(4), truth.repartition(3)))
    one, four = (labelled(*tables).select("comparison_id", "annotator", "verdict").collect() for tables in spread)
    assert sorted(map(tuple, one)) == sorted(map(tuple, four))


def requests(asked: DataFrame) -> DataFrame:
    return asked.selectExpr(
        "comparison_id", "concat('h', comparison_id) AS prompt_hash",
        "explode(array('ab', 'ba')) AS `order`", "0 AS sample",
        "IF(comparison_id = 'unknown', NULL, array('x', 'y')) AS few_shots",
    )  # fmt: skip


def judged(asked: DataFrame, truth: DataFrame, accuracy: float = 0.9, position_bias: float = 0.05) -> DataFrame:
    return answer(requests(asked), truth, {"e1": Judge("simulated-one", accuracy, position_bias)}, seed=SEED)


def test_a_judge_answers_every_request_once(asked: DataFrame, truth: DataFrame) -> None:
    rows = judged(asked, truth)
    fits(rows, "verdicts")
    key = list(TABLES["verdicts"].key)
    assert rows.select(key).distinct().count() == rows.count() == 2 * asked.count()


def test_judges_asked_together_answer_as_each_does_alone(asked: DataFrame, truth: DataFrame) -> None:
    roster = {"e1": Judge("one", 0.9, 0.05), "e2": Judge("two", 0.7, 0.3)}
    together = answer(requests(asked), truth, roster, seed=SEED)
    alone = [answer(requests(asked), truth, {engine: judge}, seed=SEED) for engine, judge in roster.items()]
    said = ["engine_id", "comparison_id", "order", "verdict"]
    expected = sorted(tuple(row) for one in alone for row in one.select(*said).collect())
    assert sorted(map(tuple, together.select(*said).collect())) == expected
    assert len({row[0] for row in expected}) == 2


def test_a_judges_verdict_is_by_canonical_order(asked: DataFrame, truth: DataFrame) -> None:
    rows = judged(asked, truth).collect()
    assert {row.few_shots == ["x", "y"] for row in rows if row.comparison_id != "unknown"} == {True}
    for row in rows:
        if row.verdict == "no_preference":
            assert row.p_a == 0.5
            continue
        assert row.verdict == ("a" if row.p_a > 0.5 else "b")
        assert row.raw == f"simulated: {'first' if row.order[0] == row.verdict else 'second'}"


def test_without_truth_a_judge_has_no_preference(asked: DataFrame, truth: DataFrame) -> None:
    rows = judged(asked, truth).where("comparison_id = 'unknown'").collect()
    assert [(row.verdict, row.few_shots) for row in rows] == [("no_preference", [])] * 2


@pytest.mark.parametrize(("accuracy", "position_bias"), [(0.95, 0.02), (0.6, 0.55)])
def test_both_orders_agree_with_the_truth_as_stated(
    asked: DataFrame, truth: DataFrame, accuracy: float, position_bias: float
) -> None:
    winners = {row.comparison_id: row.winner for row in truth.where("winner <> 'tie'").collect()}
    said: dict[str, set[str]] = {}
    for row in judged(asked, truth, accuracy, position_bias).collect():
        said.setdefault(row.comparison_id, set()).add(row.verdict)
    agreement = sum(said[one] == {winner} for one, winner in winners.items()) / len(winners)
    flips = sum(said[one] == {"a", "b"} for one in winners) / len(winners)
    assert agreement == pytest.approx(accuracy * (1 - position_bias), abs=0.07)
    assert flips == pytest.approx(position_bias, abs=0.07)


def test_attributes_fit_their_contract_and_say_what_they_are(asked: DataFrame, truth: DataFrame) -> None:
    rows = describe(asked, truth, engine_id="attributes-1")
    fits(rows, "attributes")
    for row in rows.collect():
        assert json.loads(row.raw) == {name: row[name] for name in UNKNOWN._fields}
        assert (row.engine_id, row["sample"], row.status) == ("attributes-1", 0, "parsed")


def test_attributes_follow_the_family_and_are_general_without_one(asked: DataFrame, truth: DataFrame) -> None:
    families = {row.comparison_id: row.family for row in truth.collect()}
    rows = describe(asked, truth, engine_id="attributes-1").collect()
    seen = {(families.get(row.comparison_id), row.task_category) for row in rows}
    assert ("arithmetic", "Math") in seen
    assert (None, UNKNOWN.task_category) in seen
    assert ("leaked", UNKNOWN.task_category) in seen
    assert len({family for family, _ in seen}) == len(seen)


def test_people_and_judges_can_be_stored(
    spark: SparkSession, asked: DataFrame, truth: DataFrame, tmp_path: Path
) -> None:
    for name, rows in (("people", labelled(asked, truth)), ("judges", judged(asked, truth))):
        rows.write.parquet(str(tmp_path / name))
        assert spark.read.parquet(str(tmp_path / name)).count() == rows.count()
