"""Which stages a pipeline passes over, and which of them it must run again."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref import session
from synpref.config import inputs_hash, load_settings
from synpref.quality.gate import Gate
from synpref.resume import conditions, note_standing, standing
from synpref.stage import Outcome, Stage
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

NAMES = ("hygiene", "stage1", "train")


@pytest.fixture
def stage(warehouse: Warehouse, tmp_path: Path) -> Stage:
    """All of NAMES ran once, in order, with a benchmark list on this disk and a model that was logged."""
    (tmp_path / "list.jsonl").write_text('{"prompt": "first"}\n')
    found = _with(warehouse, tmp_path)
    (found.models / "a model").mkdir(parents=True)
    (found.models / "a model.logged").touch()
    for name in NAMES:
        _run(found, name)
    return found


def _with(warehouse: Warehouse, folder: Path, *words: str) -> Stage:
    place, tracking = json.dumps(str(folder / "list.jsonl")), f"mlflow.tracking_uri=sqlite:///{folder}/mlflow.db"
    settings = load_settings(["demo"], [f"run.dir={folder}", f"hygiene.benchmarks=[{place}]", tracking, *words])
    stage = Stage("ingest", "first", settings, warehouse, Gate(), conditions=conditions(settings))
    stage.left["ingest", inputs_hash(settings)] = {"file_ids": ["f"]}
    return stage


def _run(stage: Stage, name: str, **refused: int) -> None:
    """The stage by itself: stage1 replaces roles, as its job does."""
    one, campaign = replace(stage, name=name, run_id=uuid.uuid4().hex), stage.campaign()

    def job(running: Stage) -> Outcome:
        if name == "stage1":
            running.warehouse.replace("roles", _roles(running), {"campaign": campaign})
        detail = {"refused": refused}
        return Outcome(rows_in=3, rows_out=2, duplicates=1, engine_calls=2, campaign=campaign, detail=detail)

    session.run_job(one, job)


def _roles(stage: Stage) -> DataFrame:
    stage.warehouse.create("verdicts")
    known = {"campaign": stage.campaign(), "iteration": 0, "comparison_id": "c", "role": "wild"}
    row = tuple(known.get(column.name) for column in TABLES["roles"].columns)
    return stage.warehouse.spark.createDataFrame([row], TABLES["roles"].ddl())


def _standing(stage: Stage) -> list[str]:
    return list(standing(stage, NAMES, conditions(stage.settings)))


def test_a_stage_that_stands_is_recorded_without_engine_calls_and_stands_again(stage: Stage) -> None:
    stands = standing(stage, NAMES, stage.conditions)
    assert list(stands) == list(NAMES)
    with mlflow.start_run():
        for name, row in stands.items():
            note_standing(replace(stage, name=name, run_id="second"), row)
    again = standing(stage, NAMES, stage.conditions)
    assert {row["run_id"] for row in again.values()} == {"second"}
    calls = {name: (row["engine_calls"], row["engine_calls_saved"], row["rows_in"]) for name, row in again.items()}
    assert calls == dict.fromkeys(NAMES, (0, 2, 3))
    since = {name: json.loads(row["detail"])["stands_since"] for name, row in again.items()}
    assert since == {name: row["run_id"] for name, row in stands.items()}


def test_other_settings_versions_lists_models_or_tables_make_what_saw_them_run(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _with(stage.warehouse, tmp_path, "stage2.epsilon=0.1")
    assert other.campaign() == stage.campaign()
    assert _standing(other) == []
    with monkeypatch.context() as patch:
        patch.setattr("synpref.resume.metadata.distributions", lambda: ())
        assert _standing(stage) == []
    warehouse = Path(str(stage.warehouse.location.path))
    for place in (stage.models / "a model", warehouse / "roles", warehouse / "verdicts"):
        place.rename(tmp_path / "elsewhere")
        assert "stage1" not in _standing(stage), place
        (tmp_path / "elsewhere").rename(place)
    assert _standing(stage) == list(NAMES)
    (tmp_path / "list.jsonl").write_text('{"prompt": "another"}\n')
    assert _standing(stage) == []
    assert conditions(load_settings(["demo"], ["hygiene.benchmarks=[s3://bucket/list.jsonl]"])) is None
    assert conditions(load_settings(["demo"], ["evaluate.table=main.mine.pairs"])) is None
    assert conditions(load_settings(["demo"], ["evaluate.table=curated"])) is not None


def test_what_ran_with_other_settings_or_was_killed_since_runs_again_and_so_do_those_behind_it(
    stage: Stage, tmp_path: Path
) -> None:
    _run(_with(stage.warehouse, tmp_path, "stage2.epsilon=0.1"), "stage1")
    assert _standing(stage) == ["hygiene"]
    _run(stage, "stage1", overlong=1)
    assert _standing(stage) == ["hygiene", "stage1"]  # train saw the roles before
    stage.warehouse.replace("roles", _roles(stage), {"campaign": stage.campaign()})  # an attempt that left no row
    assert _standing(stage) == ["hygiene"]
    _run(stage, "stage1", engine_unreachable=1)
    assert _standing(stage) == ["hygiene"]


def test_labels_of_people_may_have_come_since(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_text('{"prompt": "first"}\n')
    people = _with(warehouse, tmp_path, "humans.provider=table")
    for name in NAMES[:2]:
        _run(people, name)
    assert _standing(people) == ["hygiene"]
    assert warehouse.read("stage_runs").where(F.col("stage") == "stage1").count() == 1
