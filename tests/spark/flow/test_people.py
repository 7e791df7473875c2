from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.config import load_settings
from synpref.errors import InputError, SettingsError
from synpref.flow.answers import Calls, of_provider
from synpref.flow.gold import more_gold, seed_gold
from synpref.flow.people import _pool, export_batch, insert_answers, write_next
from synpref.flow.pool import described_items, stage1_items
from synpref.flow.unused_answers import unused_answers
from synpref.jobs import stage1 as stage1_job
from synpref.pairs.ingest import read_input
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.stage1.hand_off import read_answers
from synpref.stage1.texts import serialised
from synpref.store.contracts import TABLES
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

ROWS = 30
WORDS = [
    "inputs=[{path: pairs.jsonl, source: mine}]", "humans.provider=table", "stage1.seed_human=8",
    "stage1.pool_sources=[mine]", "stage1.hold_out.min_comparisons=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def after_hygiene(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of a campaign "c" of 30 comparisons."""
    folder = tmp_path_factory.mktemp("tables of people")
    path = folder / "pairs.jsonl"
    path.write_text(
        "".join(json.dumps({"prompt": f"p{n}", "chosen": "good", "rejected": "bad"}) + "\n" for n in range(ROWS))
    )
    warehouse = Warehouse(spark, Location(path=str(folder / "warehouse")))
    read = read_input(spark, path=str(path), source="mine")
    for table in ("prompts", "responses", "comparisons"):
        warehouse.insert(table, getattr(read, table), unique=True)
    labels = warehouse.read("comparisons").select(
        F.lit("c").alias("campaign"),
        "comparison_id",
        F.col("prompt_id").alias("group"),
        F.lit("pool").alias("use"),
        F.lit("a").alias("label"),
        F.lit(None).cast("double").alias("margin"),
        F.lit("clean").alias("status"),
        F.lit("mine").alias("source"),
        F.array(F.lit("mine")).alias("sources"),
        F.lit("human").alias("label_origin"),
        F.lit(1).alias("occurrences"),
    )
    warehouse.replace("source_labels", labels, {"campaign": "c"})
    warehouse.create("human_labels")
    return folder / "warehouse"


@pytest.fixture
def stage(spark: SparkSession, after_hygiene: Path, tmp_path: Path) -> Stage:
    """Stage 1 over a copy of those tables; people are to label 8 comparisons of its pool."""
    warehouse = Warehouse(spark, Location(path=str(shutil.copytree(after_hygiene, tmp_path / "ware house"))))
    left = {("hygiene", "c"): {"alike": 0}}
    return Stage("stage1", "run", load_settings(["local"], WORDS), warehouse, Gate(), left=left)


def exported(stage: Stage, path: Path) -> list[dict[str, Any]]:
    assert write_next(stage, "c", path) is not None
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def answered(path: Path, rows: list[dict[str, Any]], **changes: str) -> Path:
    """People who always choose the good text."""
    verdicts = [{**row, "annotator": "ann", "verdict": "a" if row["text_a"] == "good" else "b"} for row in rows]
    path.write_text("".join(json.dumps(row | changes) + "\n" for row in verdicts), encoding="utf-8")
    return path


def test_a_batch_goes_out_without_labels_and_comes_back_once(stage: Stage, tmp_path: Path) -> None:
    rows = exported(stage, tmp_path / "my batch.jsonl")
    assert len(rows) == len({row["comparison_id"] for row in rows}) == 8
    assert {row["shown"] for row in rows} == {"ab", "ba"}
    expected = {"comparison_id", "batch", "shown", "messages", "text_a", "text_b", "annotator", "verdict"}
    assert set(rows[0]) == expected
    assert exported(stage, tmp_path / "again.jsonl") == rows
    with pytest.raises(InputError, match="stands already and is not overwritten"):
        write_next(stage, "c", tmp_path / "my batch.jsonl")

    half = answered(tmp_path / "half.jsonl", rows[:5])
    assert insert_answers(stage, half, read_answers(half)) == 5
    assert insert_answers(stage, half, read_answers(half)) == 0
    rest = exported(stage, tmp_path / "rest.jsonl")
    assert {row["comparison_id"] for row in rest} == {row["comparison_id"] for row in rows[5:]}
    back = answered(tmp_path / "rest answered.jsonl", rest)
    assert insert_answers(stage, back, read_answers(back)) == 3
    assert write_next(stage, "c", tmp_path / "none.jsonl") is None
    assert not (tmp_path / "none.jsonl").exists()

    read = stage.warehouse.read
    texts = read("responses").select(F.col("response_id").alias("response_a"), "text")
    said = read("human_labels").join(read("comparisons"), "comparison_id").join(texts, "response_a").collect()
    assert len(said) == 8
    assert all(row["verdict"] == ("a" if row["text"] == "good" else "b") for row in said)


def test_a_wrong_answer_is_named_by_its_line_and_nothing_is_inserted(stage: Stage, tmp_path: Path) -> None:
    rows = exported(stage, tmp_path / "batch.jsonl")
    unknown = answered(tmp_path / "unknown.jsonl", [rows[0], {**rows[1], "comparison_id": "elsewhere"}])
    with pytest.raises(InputError, match=r"unknown\.jsonl, line 2: comparison_id elsewhere does not stand"):
        insert_answers(stage, unknown, read_answers(unknown))
    assert stage.warehouse.read("human_labels").isEmpty()
    first = answered(tmp_path / "first.jsonl", rows[:2])
    insert_answers(stage, first, read_answers(first))
    other = answered(tmp_path / "other.jsonl", rows[:1], verdict="no_preference")
    with pytest.raises(InputError, match=r"other\.jsonl, line 1: ann answered .* otherwise in batch 0-seed"):
        insert_answers(stage, other, read_answers(other))
    corrected = answered(tmp_path / "other.jsonl", rows[:1], verdict="no_preference", batch="0-seed-corrected")
    assert insert_answers(stage, corrected, read_answers(corrected)) == 1


def with_tests(stage: Stage, rows: list[dict[str, Any]]) -> None:
    """A file for tests holds another comparison of each row's prompt."""
    of_rows = F.col("comparison_id").isin([row["comparison_id"] for row in rows])
    labels = stage.warehouse.read("source_labels").localCheckpoint()
    tests = labels.where(of_rows).withColumns(
        {"comparison_id": F.concat(F.lit("test "), "comparison_id"), "use": F.lit("test")}
    )
    stage.warehouse.replace("source_labels", labels.unionByName(tests), {"campaign": "c"})


def test_nobody_is_asked_about_a_group_that_a_test_holds(stage: Stage, tmp_path: Path) -> None:
    first = exported(stage, tmp_path / "batch.jsonl")
    with_tests(stage, first)
    rows = exported(stage, tmp_path / "beside tests.jsonl")
    assert len(rows) == 8
    assert not {row["comparison_id"] for row in rows} & {row["comparison_id"] for row in first}


def test_gold_in_a_group_that_a_test_holds_does_not_count(stage: Stage, tmp_path: Path) -> None:
    rows = exported(stage, tmp_path / "batch.jsonl")
    path = answered(tmp_path / "answers.jsonl", rows)
    insert_answers(stage, path, read_answers(path))
    with_tests(stage, rows[:5])
    with pytest.raises(InputError, match="gold: too little for gold-test: 3 gold comparisons"):
        seed_gold(stage, "c")


def test_what_people_answered_for_a_later_iteration_is_no_gold_of_the_seed(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gold: no human labels \(table\); let people label"):
        seed_gold(stage, "c")
    rows = exported(stage, tmp_path / "batch.jsonl")
    for name, part, batch in (("seed", rows[:6], "0-seed"), ("later", rows[6:], "1-iteration")):
        path = answered(tmp_path / f"{name}.jsonl", part, batch=batch)
        insert_answers(stage, path, read_answers(path))
    counts = seed_gold(stage, "c")
    assert sum(rows for role, rows in counts.items() if role.startswith("gold")) == 6


def test_more_labels_of_the_seed_change_no_side(stage: Stage, tmp_path: Path) -> None:
    rows = exported(stage, tmp_path / "batch.jsonl")
    sides: list[dict[str, str]] = []
    for name, part in (("first", rows[:6]), ("rest", rows[6:])):
        path = answered(tmp_path / f"{name}.jsonl", part)
        insert_answers(stage, path, read_answers(path))
        seed_gold(stage, "c")
        drawn = stage.warehouse.read("roles").where("side IS NOT NULL").select("comparison_id", "side")
        sides.append({row["comparison_id"]: row["side"] for row in drawn.collect()})
    assert len(sides[0]) >= 4
    assert sides[0] == sides[1]
    held_out = next(row for row in rows if sides[0].get(row["comparison_id"]) == "validation")
    unsure = answered(tmp_path / "unsure.jsonl", [held_out], batch="0-seed-corrected")
    unsure.write_text(json.dumps({**json.loads(unsure.read_text()), "verdict": "cannot_decide"}) + "\n")
    insert_answers(stage, unsure, read_answers(unsure))
    for _ in range(2):  # the group keeps its side although nobody decides it any more, in later runs too
        seed_gold(stage, "c")
        now = stage.warehouse.read("roles").where(F.col("comparison_id") == held_out["comparison_id"]).first()
        assert now is not None
        assert (now["role"], now["side"]) == ("discarded", "validation")
    gold = stage.warehouse.read("roles").where("role = 'gold-train'")
    assert {row["comparison_id"] for row in rows[6:]} <= {row["comparison_id"] for row in gold.collect()}


@pytest.mark.parametrize(("rule", "role"), [("exact", "discarded"), ("normalised", "stage1_pool")])
def test_what_equals_gold_once_normalised_leaves_the_pool_unless_hygiene_merged_it(
    stage: Stage, tmp_path: Path, rule: str, role: str
) -> None:
    settings = load_settings(["local"], [f"hygiene.duplicates={rule}", *WORDS])
    stage = replace(stage, settings=settings)
    rows = exported(stage, tmp_path / "batch.jsonl")
    path = answered(tmp_path / "answers.jsonl", rows)
    insert_answers(stage, path, read_answers(path))
    seed_gold(stage, "c")
    gold = stage.warehouse.read("roles").where("role = 'gold-train'").first()
    free = stage.warehouse.read("roles").where("role = 'stage1_pool'").first()
    assert gold is not None
    assert free is not None
    same = {free["comparison_id"]: gold["comparison_id"]}
    ids = F.create_map(*(F.lit(one) for pair in same.items() for one in pair))
    alike = stage.warehouse.read("comparisons").withColumn(
        "normalised_comparison_id", F.coalesce(ids[F.col("comparison_id")], F.col("comparison_id"))
    )
    alike.write.format("delta").mode("overwrite").save(f"{stage.warehouse.location.path}/comparisons")
    seed_gold(stage, "c")
    now = stage.warehouse.read("roles").where(F.col("comparison_id") == free["comparison_id"]).first()
    assert now is not None
    assert now["role"] == role


def test_file_labels_and_simulators_are_no_people(stage: Stage, tmp_path: Path) -> None:
    rows = exported(stage, tmp_path / "batch.jsonl")
    back = answered(tmp_path / "answers.jsonl", rows[:2])
    insert_answers(stage, back, read_answers(back))
    said = stage.warehouse.read("human_labels")
    first = said.limit(1)
    for name in ("source:mine", "simulated:0:person-1"):
        stage.warehouse.insert("human_labels", first.withColumn("annotator", F.lit(name)), unique=True)
    others = (
        stage.warehouse.read("comparisons")
        .select("comparison_id")
        .where(~F.col("comparison_id").isin([row["comparison_id"] for row in rows]))
    )
    of_file = others.crossJoin(first.drop("comparison_id")).withColumn("annotator", F.lit("source:mine"))
    stage.warehouse.insert("human_labels", of_file, unique=True)
    counted = of_provider(stage, stage.warehouse.read("human_labels"))
    assert {row["annotator"] for row in counted.collect()} == {"ann"}
    assert counted.count() == 2
    left = exported(stage, tmp_path / "left.jsonl")
    assert {row["comparison_id"] for row in left} == {row["comparison_id"] for row in rows[2:]}


def test_nobody_needs_a_batch_where_people_are_simulated(stage: Stage, tmp_path: Path) -> None:
    simulated = Stage("x", "run", load_settings(["demo"], []), stage.warehouse, Gate())
    with pytest.raises(SettingsError, match=r"humans\.provider is simulated: nobody needs a batch"):
        export_batch(simulated, tmp_path / "batch.jsonl")


def _leave(stage: Stage, **details: dict[str, Any]) -> None:
    """Rows of stage_runs, as these stages leave them."""
    rows: list[tuple[Any, ...]] = [
        ("run", name, "c", "h", "{}", None, datetime.now(UTC), 1.0, 0, 0, 0, {}, 0, 0, json.dumps(detail))
        for name, detail in details.items()
    ]
    ddl = TABLES["stage_runs"].ddl()
    stage.warehouse.insert("stage_runs", stage.warehouse.spark.createDataFrame(rows, ddl), unique=True)


def embed(stage: Stage) -> None:
    """Vectors of the Stage 1 pool, all alike, by the engine "e"."""
    texts = serialised(described_items(stage, stage1_items(stage, "c"), [])).select("text_id").distinct()
    vectors = texts.withColumns({"engine_id": F.lit("e"), "vector": F.array(F.lit(1.0).cast("float"))})
    stage.warehouse.insert("embeddings", vectors, unique=True)


def test_after_stage_1_people_get_the_next_iterations_sample_of_what_is_left(stage: Stage, tmp_path: Path) -> None:
    settings = load_settings(["local"], ["stage1.human_per_iteration=4", *WORDS])
    stage = replace(stage, settings=settings)
    seed = exported(stage, tmp_path / "seed.jsonl")
    back = answered(tmp_path / "seed answered.jsonl", seed)
    insert_answers(stage, back, read_answers(back))
    assert write_next(stage, "c", tmp_path / "too early.jsonl") is None

    seed_gold(stage, "c")
    embed(stage)
    _leave(stage, attributes={"engines": []}, embed={"engine_id": "e"}, stage1={"last_iteration": 2})

    later = exported(stage, tmp_path / "later.jsonl")
    assert len(later) == 4
    assert {row["batch"] for row in later} == {"1-iteration"}
    assert not {row["comparison_id"] for row in later} & {row["comparison_id"] for row in seed}
    back = answered(tmp_path / "later answered.jsonl", later)
    assert insert_answers(stage, back, read_answers(back)) == 4
    assert write_next(stage, "c", tmp_path / "none.jsonl") is None
    more_gold(stage, "c", 1, _pool(stage, "c", 1))
    gold = stage.warehouse.read("roles").where("iteration = 1 AND role = 'gold-train'").select("comparison_id")
    assert {row[0] for row in gold.collect()} == {row["comparison_id"] for row in later}


def _ids(rows: DataFrame) -> list[str]:
    return [row["comparison_id"] for row in rows.collect()]


def role_of(stage: Stage, iteration: int) -> dict[str, str]:
    rows = stage.warehouse.read("roles").where(F.col("iteration") == iteration).collect()
    return {row["comparison_id"]: row["role"] for row in rows}


def test_answers_of_another_campaign_s_sample_become_gold_in_their_iteration_and_no_judge_is_asked_about_them(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["stage1.iterations=2", "stage1.seed_judge=30", *WORDS]  # nobody is asked for later iterations
    stage = replace(stage, settings=load_settings(["local"], words))
    seed = exported(stage, tmp_path / "seed.jsonl")
    back = answered(tmp_path / "seed answered.jsonl", seed)
    insert_answers(stage, back, read_answers(back))
    seed_gold(stage, "c")
    free = sorted(one for one, role in role_of(stage, 0).items() if role == "stage1_pool")
    rows = [{**seed[0], "comparison_id": one} for one in free[:6]]
    parts = ((rows[:2], "1-iteration"), (rows[2:4], "2-iteration"), (rows[4:], "9-iteration"))
    for part, batch in parts:
        path = answered(tmp_path / f"{batch}.jsonl", part, batch=batch)
        insert_answers(stage, path, read_answers(path))
    seed_gold(stage, "c")
    embed(stage)
    stage.left.update({("attributes", "c"): {"engines": []}, ("embed", "c"): {"engine_id": "e"}})

    asked: list[str] = []
    monkeypatch.setattr(stage1_job, "examined", lambda *_: (["judge"], {}))
    monkeypatch.setattr(stage1_job, "_with_shots", lambda _, __, ___, targets, ____: targets)
    monkeypatch.setattr(stage1_job, "_label", lambda *given: asked.extend(_ids(given[4])))
    stage1_job._seed_silver(stage, Calls(), "c", _pool(stage, "c", 1))
    assert set(asked) == set(free[6:])

    assert unused_answers(stage, "c") == {"stage1_pool": 6}
    for iteration, taken in ((1, free[:2]), (2, free[2:6])):  # the last one takes what was answered for any
        more_gold(stage, "c", iteration, _pool(stage, "c", iteration))
        assert role_of(stage, iteration) == dict.fromkeys(taken, "gold-train")
    assert unused_answers(stage, "c") == {}


def test_where_gold_is_too_little_to_admit_a_judge_stage_1_asks_nobody_and_ends_without_silver(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = "judges=[{name: recorded, kind: replay, path: verdicts.jsonl}]"
    stage = replace(stage, settings=load_settings(["local"], [judge, "train.min_comparisons=1", *WORDS]))
    stage.left.update({("attributes", "c"): {"engines": []}, ("embed", "c"): {"engine_id": "e"}})
    back = answered(tmp_path / "answers.jsonl", exported(stage, tmp_path / "batch.jsonl"))
    insert_answers(stage, back, read_answers(back))
    embed(stage)
    names: list[str] = []

    def trained(_: Stage, name: str, *__: object) -> SimpleNamespace:
        names.append(name)
        rows = {"comparisons": 1, "validation_comparisons": 2}
        facts = {"model_id": name, "path": tmp_path, "validation_accuracy": 1.0, "reused": False}
        return SimpleNamespace(name=name, rows=rows, **facts)

    monkeypatch.setattr(Stage, "campaign", lambda _: "c")
    monkeypatch.setattr(stage1_job, "trained", trained)
    for name in ("snapshot", "gold_validation"):
        monkeypatch.setattr(stage1_job, name, lambda *_: tmp_path)
    outcome = stage1_job.run(stage)
    note = outcome.detail["judges"]["recorded"]
    assert (note["admitted"], note["asked"]) == (False, 0)
    assert note["reason"] == "only 2 gold-validation comparisons, admission needs 100"
    assert outcome.engine_calls == outcome.engine_calls_saved == 0
    assert not stage.warehouse.exists("verdicts")
    assert outcome.detail["roles"] == {"gold-train": 4, "gold-validation": 2, "gold-test": 2, "wild": ROWS - 8}
    assert [one["fold"] for one in outcome.detail["best"]] == [0, 1]
    assert names == ["half-1", "half-0", "gold"]
    assert "no judge was admitted: no silver" in capsys.readouterr().err
