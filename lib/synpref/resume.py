"""Which stages of the pipeline stand: to run them again could change nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F

from synpref.config import conf_file, settings_hash
from synpref.engines.failure import PASSING
from synpref.record import append
from synpref.settings import Settings
from synpref.stage import Outcome, Stage
from synpref.store.contracts import TABLES
from synpref.store.names import local_folder
from synpref.store.warehouse import Warehouse

CODE = (".py", ".jinja", ".sql")
READS_PEOPLE = "stage1"  # the first stage that asks for labels of people
# What a stage replaces and no stage behind it writes to: what an attempt at the stage changed shows in one of them.
REPLACES = {
    "hygiene": ("source_labels", "hygiene_marks"),
    "stage1": ("roles",),
    "stage2": ("labels", "retrievals", "decisions", "curated"),
}
# Where the answers stand that a stage asked engines for.
ASKS = {"attributes": "attributes", "embed": "embeddings", "stage1": "verdicts", "score": "rewards"}


def conditions(settings: Settings) -> str | None:
    """16 hex digits over what a stage hangs on besides settings and tables; None where that cannot be known.

    That is the code, all that is installed, and the models and lists that the settings name, by size and time of each
    file. A benchmark list that is no local file or folder, and a table of a catalog, may change unseen.
    """
    of_catalog = [table for table in [settings.evaluate.table] if table is not None and table not in TABLES]
    if any(not _local(path) for path in [*settings.hygiene.benchmarks, *of_catalog]):
        return None
    installed = sorted({f"{one.name}=={one.version}" for one in metadata.distributions()})
    facts = [sorted(set(_code())), installed, [sorted(_files(Path(place))) for place in _places(settings)]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def resumable(stage: Stage, outcome: Outcome, began: datetime, under: str | None) -> dict[str, Any]:
    """What a run of the stage leaves in its detail, as `resume`, for `standing`.

    under: the conditions when the command started.
    """
    asked = outcome.engine_calls + outcome.engine_calls_saved > 0
    return {
        "conditions": under,
        "began": began.timestamp(),
        "ended": datetime.now(UTC).timestamp(),
        "versions": _versions(stage.warehouse, stage.name),
        "answers": ASKS.get(stage.name) if asked else None,
        "models": sorted(_models(stage)),
    }


def standing(stage: Stage, stages: Sequence[str], now: str | None) -> dict[str, Row]:
    """Latest run of each of `stages`, in order, up to the first that has to run. now: the conditions.

    A stage stands where, for the campaign of these settings, its latest run had these settings and conditions, began
    after the one before it had ended, and lost no row on the way to an engine; where nobody wrote since to the tables
    that it and those before it replace, and its models and the table of its answers are there. Labels that people give
    by a table may have come since: then nothing stands from Stage 1 on.
    """
    campaign, found = stage.campaign(), dict[str, Row]()
    runs = stage.warehouse.read("stage_runs").where((F.col("campaign") == campaign) & F.col("stage").isin([*stages]))
    latest: dict[str, Row] = {row["stage"]: row for row in runs.orderBy("started").toLocalIterator()}  # one row a run
    ended = 0.0
    for name in stages:
        row = latest.get(name)
        asks_people = name == READS_PEOPLE and stage.settings.humans.provider == "table"
        if row is None or asks_people or row["settings_hash"] != settings_hash(stage.settings):
            break
        detail = json.loads(row["detail"])
        left = detail.get("resume", {"conditions": None})  # versions before this one left none
        lost = PASSING & set(detail.get("refused", {}))  # asked for again, since an engine lost it
        if now is None or left["conditions"] != now or lost or left["began"] < ended or not _holds(stage, name, left):
            break
        found[name], ended = row, left["ended"]
    return found


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


def _holds(stage: Stage, name: str, left: Mapping[str, Any]) -> bool:
    """Whether models and tables are as a run left them."""
    answers = left["answers"]
    return (
        set(left["models"]) <= set(_models(stage))
        and (answers is None or stage.warehouse.exists(answers))
        and left["versions"] == _versions(stage.warehouse, name)
    )


def _versions(warehouse: Warehouse, stage: str) -> dict[str, int | None]:
    """Last commit of each table that the stage replaces; None where it does not stand."""
    tables = REPLACES.get(stage, ())
    return {table: warehouse.version(table) if warehouse.exists(table) else None for table in tables}


def _models(stage: Stage) -> Iterator[str]:
    """Folders of trained models; one that begins with a dot is being written."""
    for path in stage.models.iterdir() if stage.models.is_dir() else ():
        if path.is_dir() and not path.name.startswith("."):
            yield path.name


def _code() -> Iterator[tuple[str, str]]:
    """Name and hash of every file that is code, the templates and statements of conf/ included."""
    package, conf = Path(__file__).resolve().parent, conf_file("base.yaml").parent
    for label, root in (("synpref", package), ("conf", conf)):
        for folder, inner, names in os.walk(root, followlinks=True):  # a checkout's jobs/ is linked into the package
            if label == "synpref" and "conf" in inner:
                inner.remove("conf")  # a wheel has it inside
            for path in (Path(folder, name) for name in names if name.endswith(CODE)):
                yield f"{label}/{path.relative_to(root)}", hashlib.sha256(path.read_bytes()).hexdigest()


def _places(settings: Settings) -> list[str]:
    """Folders and files of this machine that engines, training and decontamination read, as the settings name them."""
    named = [settings.embedder.model, settings.train.backbone, *settings.hygiene.benchmarks, *settings.evaluate.files]
    named += [one.model for one in settings.evaluate.models]
    named += [one.model for one in settings.attributes if one.model]
    named += [place for judge in settings.judges for place in (judge.model, judge.path) if place]
    return sorted({one for one in named if _local(one)})


def _local(path: str) -> bool:
    folder = local_folder(path)
    return folder is not None and folder.exists()


def _files(place: Path) -> Iterator[tuple[str, int, int]]:
    for path in place.rglob("*") if place.is_dir() else [place]:
        if path.is_file():
            told = path.stat()
            yield str(path), told.st_size, told.st_mtime_ns
