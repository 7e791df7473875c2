"""Which stages of the pipeline stand: to run them again could change nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F

from synpref.config import conf_file, settings_hash
from synpref.engines.failure import PASSING
from synpref.record import append, versions
from synpref.settings import Settings
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.names import local_folder

CODE = (".py", ".jinja", ".sql")
READS_PEOPLE = "stage1"  # the first stage that asks for labels of people


def conditions(settings: Settings) -> str:
    """16 hex digits over what a stage hangs on besides settings and tables.

    That is the code, the versions of the libraries, and the models and lists that the settings name on a disk of this
    machine, by size and time of each file. What the settings name elsewhere counts as its name.
    """
    facts = [list(_code()), versions(), [list(_files(Path(place))) for place in _places(settings)]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def resumable(stage: Stage) -> dict[str, Any]:
    """What a run of the stage leaves in its detail for `standing`: conditions, tables and models that stand now."""
    models = sorted(path.name for path in stage.models.iterdir()) if stage.models.is_dir() else []
    tables = [name for name in sorted(TABLES) if stage.warehouse.exists(name)]
    return {"conditions": conditions(stage.settings), "tables": tables, "models": models}


def standing(stage: Stage, stages: Sequence[str]) -> dict[str, Row]:
    """Latest run of each of `stages`, in order, up to the first that has to run.

    A stage stands where, for the campaign of these settings, its latest run had these settings and conditions, began
    after the one before it, lost no row on the way to an engine, and has its tables and models still. Labels that
    people give by a table may have come since: then nothing stands from Stage 1 on.
    """
    campaign, now = stage.campaign(), conditions(stage.settings)
    runs = stage.warehouse.read("stage_runs").where((F.col("campaign") == campaign) & F.col("stage").isin([*stages]))
    latest: dict[str, Row] = {row["stage"]: row for row in runs.orderBy("started").toLocalIterator()}  # one row a run
    found: dict[str, Row] = {}
    for name in stages:
        asks_people = name == READS_PEOPLE and stage.settings.humans.provider == "table"
        row, before = latest.get(name), max((one["started"] for one in found.values()), default=None)
        if row is None or asks_people or (before is not None and row["started"] <= before):
            break
        if row["settings_hash"] != settings_hash(stage.settings) or not _holds(stage, json.loads(row["detail"]), now):
            break
        found[name] = row
    return found


def _holds(stage: Stage, detail: dict[str, Any], now: str) -> bool:
    """Whether what a run left in its detail is so still."""
    lost = PASSING & set(detail.get("refused", {}))  # asked for again, since it was lost on the way to an engine
    return (
        detail.get("conditions") == now
        and not lost
        and all((stage.models / model).is_dir() for model in detail["models"])
        and all(stage.warehouse.exists(table) for table in detail["tables"])
    )


def note_standing(stage: Stage, row: Row) -> None:
    """Note in stage_runs that the stage of this run stands as `row` left it: no engine call, all answers saved."""
    detail = json.loads(row["detail"])
    detail.setdefault("stands_since", row["run_id"])  # the run whose gates checked it
    detail.pop("engine", None)  # what engines took then
    stage.say(f"stands as run {detail['stands_since']} left it; `synpref {stage.name}` by itself would run it again")
    calls = row["engine_calls"] + row["engine_calls_saved"]
    news = {
        "run_id": stage.run_id, "started": datetime.now(UTC), "seconds": 0.0, "engine_calls": 0,
        "engine_calls_saved": calls, "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True),
    }  # fmt: skip
    append(stage, {**row.asDict(), **news})


def _code() -> Iterator[tuple[str, str]]:
    """Name and hash of every file that is code, the templates and statements of conf/ included."""
    roots = (Path(__file__).resolve().parent, conf_file("base.yaml").parent)
    for root in roots:
        for folder, _, names in os.walk(root, followlinks=True):  # a checkout's jobs/ is linked into the package
            for name in sorted(names):
                path = Path(folder, name)
                if path.suffix in CODE:
                    yield str(path.relative_to(root)), hashlib.sha256(path.read_bytes()).hexdigest()


def _places(settings: Settings) -> list[str]:
    """Folders and files of this machine that engines, training and decontamination read, as the settings name them."""
    named = [settings.embedder.model, settings.train.backbone, *settings.hygiene.benchmarks]
    named += [one.model for one in settings.attributes if one.model]
    named += [place for judge in settings.judges for place in (judge.model, judge.path) if place]
    local = {str(folder) for one in named if (folder := local_folder(one)) is not None and folder.exists()}
    return sorted(local)


def _files(place: Path) -> Iterator[tuple[str, int, int]]:
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if path.is_file():
            told = path.stat()
            yield str(path), told.st_size, told.st_mtime_ns
