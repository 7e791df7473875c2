"""Which stages a pipeline passes over, and which of them it must run again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest

from synpref.config import inputs_hash, load_settings
from synpref.memory import PeakMemory
from synpref.quality.gate import Gate
from synpref.record import record
from synpref.resume import note_standing, resumable, standing
from synpref.stage import Outcome, Stage
from synpref.store.warehouse import Warehouse

NAMES = ("hygiene", "stage1", "score")


@pytest.fixture
def stage(warehouse: Warehouse, tmp_path: Path) -> Stage:
    """All of NAMES ran once, in order, with a benchmark list on this disk."""
    (tmp_path / "list.jsonl").write_text('{"prompt": "first"}\n')
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    found = _with(warehouse, tmp_path)
    (found.models / "a model").mkdir(parents=True)
    warehouse.create("roles")
    for name in NAMES:
        _run(found, name)
    return found


def _with(warehouse: Warehouse, folder: Path, *words: str) -> Stage:
    place = json.dumps(str(folder / "list.jsonl"))
    settings = load_settings(["demo"], [f"run.dir={folder}", f"hygiene.benchmarks=[{place}]", *words])
    stage = Stage("ingest", "first", settings, warehouse, Gate())
    stage.left["ingest", inputs_hash(settings)] = {"file_ids": ["f"]}
    return stage


def _run(stage: Stage, name: str, **refused: int) -> None:
    one = replace(stage, name=name, run_id=f"{stage.run_id} {name} {datetime.now(UTC)}")
    campaign, detail = stage.campaign(), {"refused": refused}
    outcome = Outcome(rows_in=3, rows_out=2, duplicates=1, engine_calls=2, campaign=campaign, detail=detail)
    with mlflow.start_run():
        record(one, outcome, datetime.now(UTC), PeakMemory(1.0, 1.0), resumable(one))


def _standing(stage: Stage) -> list[str]:
    return list(standing(stage, NAMES))


def test_a_stage_that_stands_is_recorded_without_engine_calls_and_stands_again(stage: Stage) -> None:
    stands = standing(stage, NAMES)
    assert list(stands) == list(NAMES)
    with mlflow.start_run():
        for name, row in stands.items():
            note_standing(replace(stage, name=name, run_id="second"), row)
    again = standing(stage, NAMES)
    assert {row["run_id"] for row in again.values()} == {"second"}
    calls = {name: (row["engine_calls"], row["engine_calls_saved"], row["rows_in"]) for name, row in again.items()}
    assert calls == dict.fromkeys(NAMES, (0, 2, 3))
    since = {name: json.loads(row["detail"])["stands_since"] for name, row in again.items()}
    assert since == {name: row["run_id"] for name, row in stands.items()}


def test_other_settings_versions_lists_models_or_tables_make_everything_run(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _with(stage.warehouse, tmp_path, "stage2.epsilon=0.1")
    assert other.campaign() == stage.campaign()
    assert _standing(other) == []
    with monkeypatch.context() as patch:
        patch.setattr("synpref.resume.versions", lambda: {"torch": "another"})
        assert _standing(stage) == []
    roles = Path(str(stage.warehouse.location.path), "roles")
    for place in (stage.models / "a model", roles):
        place.rename(tmp_path / "elsewhere")
        assert _standing(stage) == []
        (tmp_path / "elsewhere").rename(place)
    assert _standing(stage) == list(NAMES)
    (tmp_path / "list.jsonl").write_text('{"prompt": "another"}\n')
    assert _standing(stage) == []


def test_a_stage_that_ran_with_other_settings_since_runs_again_and_so_do_those_behind_it(
    stage: Stage, tmp_path: Path
) -> None:
    _run(_with(stage.warehouse, tmp_path, "stage2.epsilon=0.1"), "stage1")
    assert _standing(stage) == ["hygiene"]
    _run(stage, "stage1", overlong=1)
    assert _standing(stage) == ["hygiene", "stage1"]
    _run(stage, "stage1", engine_unreachable=1)
    assert _standing(stage) == ["hygiene"]


def test_labels_of_people_may_have_come_since(warehouse: Warehouse, tmp_path: Path) -> None:
    people = _with(warehouse, tmp_path, "humans.provider=table")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    for name in NAMES[:2]:
        _run(people, name)
    assert _standing(people) == ["hygiene"]
