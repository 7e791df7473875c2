"""What a run leaves behind of itself: a row of stage_runs, an MLflow run, peak memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import mlflow

from synpref.code_version import git_commit
from synpref.config import settings_hash, settings_json
from synpref.memory import PeakMemory
from synpref.settings import Settings
from synpref.stage import Outcome, Stage
from synpref.store.contracts import TABLES

_VERSIONED = (
    "synpref", "pyspark", "delta-spark", "torch", "transformers", "sentence-transformers", "mlflow",
    "great-expectations",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {name: metadata.version(name) for name in _VERSIONED if _installed(name)}


@contextmanager
def tracked(settings: Settings, name: str, run_id: str) -> Iterator[None]:
    """An MLflow run around a stage; nests under the run that is open already. Settings and their hash are recorded."""
    nested = mlflow.active_run() is not None
    if not nested:
        mlflow.set_tracking_uri(settings.mlflow.tracking_uri)
        _make_experiment(settings)
        mlflow.set_experiment(settings.mlflow.experiment)
    with mlflow.start_run(
        run_name=name, nested=nested, tags={"run_id": run_id, "settings_hash": settings_hash(settings)}
    ):
        if not nested:
            mlflow.log_text(settings_json(settings), "settings.json")
        yield


def record(stage: Stage, outcome: Outcome, started: datetime, memory: PeakMemory, resumable: Mapping[str, Any]) -> None:
    """Append the stage to stage_runs, with what resume.resumable said, and log its counts to the open MLflow run."""
    seconds = (datetime.now(UTC) - started).total_seconds()
    peak = {"driver": memory.driver, "worker": memory.worker}
    facts = {**with_former(stage, outcome), "peak_memory_gb": peak, "resume": resumable}
    append(
        stage,
        {
            "run_id": stage.run_id,
            "stage": stage.name,
            "campaign": outcome.campaign,
            "settings_hash": settings_hash(stage.settings),
            "settings": settings_json(stage.settings),
            "git": git_commit(),
            "started": started,
            "seconds": seconds,
            "rows_in": outcome.rows_in,
            "rows_out": outcome.rows_out,
            "duplicates": outcome.duplicates,
            "quarantined": dict(outcome.quarantined),
            "engine_calls": outcome.engine_calls,
            "engine_calls_saved": outcome.engine_calls_saved,
            "detail": json.dumps(facts, ensure_ascii=False, sort_keys=True),
        },
    )


def with_former(stage: Stage, outcome: Outcome) -> dict[str, Any]:
    """The detail of an outcome, with what the stage's former runs told of engines that were asked now too.

    An input is computed once, so what of an engine was cut is added up over the campaign's runs, whatever each of them
    computed. Of canaries those of the last load count. What a killed run saw is in neither: it left no row.
    """
    detail, campaign = dict(outcome.detail), outcome.campaign
    if campaign is None or not detail.get("cut_by"):
        return detail
    former = stage.former(campaign)
    cut, canaries = former.get("cut_by", {}), former.get("canaries", {})  # runs of earlier versions tell none
    detail["cut_by"] = {engine: count + cut.get(engine, 0) for engine, count in detail["cut_by"].items()}
    detail["cut"] = sum(detail["cut_by"].values())
    told = {engine: canaries[engine] for engine in detail["cut_by"] if engine in canaries}
    return {**detail, "canaries": {**told, **detail["canaries"]}}


def append(stage: Stage, row: Mapping[str, Any]) -> None:
    """Append a row to stage_runs, hand its detail to the stages that follow, and log its counts to MLflow."""
    spark, table = stage.warehouse.spark, TABLES["stage_runs"]
    values = tuple(row[column.name] for column in table.columns)
    stage.warehouse.insert("stage_runs", spark.createDataFrame([values], table.ddl()), unique=True)
    detail = json.loads(row["detail"])
    stage.leave(detail, row["campaign"])
    engine = {f"engine_{name}": float(value) for name, value in (detail.get("engine") or {}).items()}
    counts = {name: row[name] for name in ("seconds", "rows_in", "rows_out", "duplicates", "engine_calls")}
    mlflow.log_metrics({**counts, **engine, "quarantined": sum(row["quarantined"].values())})


def _make_experiment(settings: Settings) -> None:
    """A local store would put artifacts into the current folder; they belong to the run's."""
    local = settings.mlflow.tracking_uri.startswith("sqlite:")
    if local and mlflow.get_experiment_by_name(settings.mlflow.experiment) is None:
        place = (Path(settings.run.dir) / "mlartifacts").absolute().as_uri()
        mlflow.create_experiment(settings.mlflow.experiment, artifact_location=place)


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
