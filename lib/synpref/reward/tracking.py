"""Trained reward models in MLflow: one nested run a model, whatever the tracking store."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import time
import warnings
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import synpref
from synpref.code_version import code_version
from synpref.reward.model_folder import TrainedModel

if TYPE_CHECKING:
    from mlflow.data.dataset import Dataset
    from mlflow.entities import Metric

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read once, when mlflow is imported
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

MODEL_ARTIFACT = "model"
CURVES = {"loss": "loss", "gold_validation_accuracy": "validation_accuracy"}  # metrics, and entries of a history
SERVING_TOKEN_BUDGET = 16_384
MAX_NAME = 500  # characters of a data set's name in MLflow
SERVED_CODE = Path(__file__).with_name("served_model.py")


@dataclass(frozen=True)
class TableVersion:
    """The table that the training rows were exported from. Exactly one of path and identifier says where it lies."""

    name: str
    version: int
    path: str | None = None
    identifier: str | None = None


@dataclass(frozen=True)
class FilesRead:
    """The files that the training rows were read from, digest by path, and the folders of Delta tables."""

    digests: Mapping[str, str]
    tables: tuple[TableVersion, ...] = ()


@contextlib.contextmanager
def model_run(
    name: str, model_id: str, tags: Mapping[str, str] | None = None, *, run_id: str | None = None
) -> Iterator[str]:
    """The id of a model's run below the active one (or a run of its own), which ends as the block does.

    run_id: of one that was begun before; where it cannot be gone on with (removed, or of another store), a new one.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    facts = {"model_id": model_id, "code_version": code_version(), **(tags or {})}
    parent: mlflow.ActiveRun | None = mlflow.active_run()
    begun: mlflow.ActiveRun | None = None
    if run_id is not None:
        above = {} if parent is None else {"mlflow.parentRunId": parent.info.run_id}
        with contextlib.suppress(MlflowException):
            begun = mlflow.start_run(run_id=run_id, run_name=name, nested=True, tags={**facts, **above})
    with begun or mlflow.start_run(run_name=name, nested=True, tags=facts) as run:
        yield run.info.run_id


def log_training(
    model: TrainedModel,
    origin: TableVersion | FilesRead,
    *,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    with_model: bool = True,
    run_id: str | None = None,
) -> str:
    """Record a trained model in its run (see model_run); give back the run's id.

    Parameters are the plan's fields, model id and row counts; curves are loss and gold-validation accuracy by step, of
    which the run may have a part; `metrics` adds single numbers; the tag `warnings` has the signs of trouble. The data
    set is named `<table>@<version>`, or by the file's path. with_model: store the model too, with signature and input
    example; it loads as pyfunc. The caller has set tracking URI and experiment.
    """
    import mlflow

    told = {**trouble_tags(model.warnings), **(tags or {})}
    with model_run(model.name, model.model_id, told, run_id=run_id) as found:
        log_curves(found, model, metrics or {})
        for dataset in _datasets(origin, model):
            mlflow.log_input(dataset, context="training")
        if with_model:
            log_served_model(model)
    return found


def log_curves(run_id: str, model: TrainedModel, metrics: Mapping[str, float]) -> None:
    """Write parameters, curves and single numbers of a model to a run, but for the points that it has already."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client, now = MlflowClient(), int(time.time() * 1000)
    had = client.get_run(run_id).data.metrics
    numbers = {"best_step": float(model.best_step), **metrics}
    if model.validation_accuracy is not None:
        numbers["best_gold_validation_accuracy"] = model.validation_accuracy
    facts: dict[str, Any] = {**dataclasses.asdict(model.plan), "model_id": model.model_id, "backbone": model.backbone}
    facts |= {f"rows_{name}": count for name, count in model.rows.items()}
    single = [Metric(name, value, now, 0) for name, value in numbers.items() if had.get(name) != value]
    client.log_batch(
        run_id,
        metrics=points(model.history, points_in(run_id)) + single,
        params=[Param(name, str(value)) for name, value in facts.items()],
    )


def points(entries: Iterable[Mapping[str, float | None]], known: Container[tuple[str, int]] = ()) -> list[Metric]:
    """Entries of TrainedModel.history as points of curves, without those that are known, by metric and step."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    found = [
        Metric(name, value, now, int(entry["step"] or 0))
        for entry in entries
        for name, value in ((curve, entry[what]) for curve, what in CURVES.items())
        if value is not None
    ]
    return [point for point in found if (point.key, point.step) not in known]


def points_in(run_id: str) -> frozenset[tuple[str, int]]:
    """The points of curves that a run has, by metric and step."""
    from mlflow import MlflowClient

    client = MlflowClient()
    return frozenset((name, point.step) for name in CURVES for point in client.get_metric_history(run_id, name))


def trouble_tags(signs: Sequence[str]) -> dict[str, str]:
    """The tag of a run that has the signs of trouble, one a line; none where there are none."""
    return {"warnings": "\n".join(signs)} if signs else {}


def log_served_model(model: TrainedModel) -> None:
    """Store the model folder in the active run as a pyfunc model made of code and safetensors.

    Requirements are named here, so that MLflow neither guesses them nor runs the model to find out.
    """
    import mlflow
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array, Object, Property

    turn = Object([Property("role", DataType.string), Property("content", DataType.string)])
    inputs = Schema([ColSpec(Array(turn), "messages"), ColSpec(DataType.string, "response")])
    example = [{"role": "user", "content": "Name a prime number."}]
    with warnings.catch_warnings(), fewer_words():
        warnings.simplefilter("ignore", UserWarning)  # advice on type hints of a data frame
        mlflow.pyfunc.log_model(
            name=MODEL_ARTIFACT,
            python_model=str(SERVED_CODE),
            artifacts={MODEL_ARTIFACT: str(model.path)},
            code_paths=[str(Path(synpref.__file__).parent)],
            signature=ModelSignature(inputs, Schema([ColSpec(DataType.double, "reward")])),
            input_example=pd.DataFrame({"messages": [example], "response": ["7"]}),
            pip_requirements=[f"{name}=={version(name)}" for name in ("mlflow", "pandas", "torch", "transformers")],
        )


@contextlib.contextmanager
def fewer_words() -> Iterator[None]:
    """Below its warnings, mlflow comments on every model that is logged or registered."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _datasets(origin: TableVersion | FilesRead, model: TrainedModel) -> Iterator[Dataset]:
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    described: Any = MetaDataset  # abstract to a type checker only: it declares no profile
    for one in [origin] if isinstance(origin, TableVersion) else origin.tables:
        source = DeltaDatasetSource(path=one.path, delta_table_name=one.identifier, delta_table_version=one.version)
        yield described(source, name=f"{one.name}@{one.version}", digest=model.training_digest[:32])
    if isinstance(origin, TableVersion):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a path has two ways to be local, which are the same
        sources = {path: resolve_dataset_source(path) for path in origin.digests}
    for path, digest in origin.digests.items():
        yield described(sources[path], name=path[-MAX_NAME:], digest=digest[:32])
