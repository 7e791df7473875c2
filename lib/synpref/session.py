"""Opening and closing a run around its stages: Spark, tables, MLflow, the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pyspark.sql import Row

from synpref.config import settings_hash
from synpref.errors import InputError, SynprefError
from synpref.memory import watched
from synpref.quality.data_docs import build_data_docs
from synpref.quality.gate import Gate
from synpref.quality.result import results_frame
from synpref.record import record, tracked
from synpref.resume import conditions, note_standing, resumable
from synpref.settings import Settings
from synpref.spark import is_foreign, open_session
from synpref.stage import Outcome, Stage
from synpref.store.maintenance import optimize_inference_tables
from synpref.store.names import Location, local_folder
from synpref.store.warehouse import Warehouse


@contextmanager
def opened(settings: Settings, name: str, run_id: str) -> Iterator[Stage]:
    """A stage with its session and tables, inside an MLflow run. Raises InputError where a folder cannot be written."""
    began = datetime.now(UTC)
    check_places(settings)
    under = conditions(settings)
    spark = open_session(
        app_name=f"synpref {name}",
        master=settings.spark.master,
        driver_memory=settings.spark.driver_memory,
        extra=settings.spark.conf,
    )
    location = Location(path=settings.store.path, catalog=settings.store.catalog, schema=settings.store.schema_)
    # an engine's id stays when torch changes, so each commit tells by which version its rows were computed
    stamp = {"run_id": run_id, "settings_hash": settings_hash(settings), "torch": version("torch")}
    warehouse = Warehouse(spark=spark, location=location, buckets=settings.store.buckets, stamp=stamp)
    with tracked(settings, name, run_id):
        yield Stage(name, run_id, settings, warehouse, Gate(), conditions=under, began=began)


def part(whole: Stage, name: str) -> Stage:
    """A stage of the same run."""
    return replace(whole, name=name)


def run_job(stage: Stage, job: Callable[[Stage], Outcome]) -> Outcome:
    """Run one job, check that its counts reconcile, and record it; what its gates saw is kept in any case."""
    started, checked = datetime.now(UTC), len(stage.gate.results)
    with tracked(stage.settings, stage.name, stage.run_id), watched() as memory:
        try:
            outcome = job(stage)
        finally:
            _keep(stage, checked)
        if not outcome.reconciles():
            raise SynprefError(
                f"{stage.name}: {outcome.rows_in} rows came in, but {outcome.rows_out} out, "
                f"{outcome.duplicates} duplicates and "
                f"{dict(outcome.quarantined)} quarantined do not add up to them; please report this"
            )
        record(stage, outcome, started, memory.look(), resumable(stage, outcome, started, stage.conditions))
        _compact(stage, outcome)
    seconds = (datetime.now(UTC) - started).total_seconds()
    stage.say(
        f"done in {seconds:.0f} s: {outcome.rows_in} in, {outcome.rows_out} out, {outcome.duplicates} duplicates, "
        f"{sum(outcome.quarantined.values())} quarantined; {outcome.engine_calls} engine calls, "
        f"{outcome.engine_calls_saved} saved"
    )
    return outcome


def pass_over(stage: Stage, row: Row) -> None:
    """Record a stage that stands as its latest run, `row` of stage_runs, left it."""
    with tracked(stage.settings, stage.name, stage.run_id):
        note_standing(stage, row)


def _compact(stage: Stage, outcome: Outcome) -> None:
    """Each shard of an engine's answers is a commit with small files: they are compacted every so many commits."""
    if outcome.engine_calls:
        for table, done in optimize_inference_tables(stage.warehouse, stage.settings.store.optimize_every).items():
            later = "another job writes to it, so its small files are compacted another time"
            stage.say(f"{table}: {'small files compacted' if done else later}")


def _keep(stage: Stage, checked: int) -> None:
    """Write this stage's gate results, and add their pages to those in the run's folder."""
    new = stage.gate.results[checked:]
    if not new:
        return
    stage.warehouse.insert("quality_results", results_frame(stage.warehouse.spark, stage.run_id, new))
    build_data_docs(stage.gate, stage.folder / "data_docs")


def check_places(settings: Settings) -> None:
    """Raise InputError where the run's folder, its tables' or its MLflow file's cannot be made or written to.

    The run's folder holds models that workers load as files: an object store's address is refused. store.path with a
    scheme is left to who serves it; so is one in a session that a cluster made, where a path without a scheme may mean
    the cluster's own file system.
    """
    if local_folder(settings.run.dir) is None:
        raise InputError(
            f"run.dir: {settings.run.dir} is no folder; give one that the driver and all workers mount (a volume, "
            "EFS), because models are loaded from it; tables (store.path) and inputs may lie on an object store"
        )
    _writable("run.dir", settings.run.dir)
    if settings.store.path is not None and not is_foreign():
        _writable("store.path", settings.store.path)
    kind, _, database = settings.mlflow.tracking_uri.partition(":///")
    if kind == "sqlite" and database != ":memory:":
        _writable("mlflow.tracking_uri", str(Path(database).parent))


def _writable(setting: str, folder: str) -> None:
    path = local_folder(folder)
    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{setting}: the folder {folder} cannot be made ({error.strerror}); give a folder you may write to"
        ) from None
    if not os.access(path, os.W_OK):
        raise InputError(f"{setting}: no permission to write to the folder {folder}; give one you may write to")
