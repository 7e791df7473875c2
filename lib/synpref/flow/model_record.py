"""What is measured and written down of a trained reward model: MLflow, the registry, the card in its folder."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from synpref.analysis.validation import ValidationFigures, validation_figures
from synpref.code_version import code_version
from synpref.errors import InputError
from synpref.report.model_card import DataFacts, model_card
from synpref.reward.calibration import reliability_plot
from synpref.reward.live_run import LiveRun, live_run
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.registry import register
from synpref.reward.tracking import FilesRead, TableVersion, log_training, model_run
from synpref.reward.validation_rows import read_validation_rows
from synpref.stage import Stage

_NO_METRIC_NAME = re.compile(r"[^\w./-]")  # of what MLflow allows in names, the part that needs no care


def logged_in(stage: Stage, model: TrainedModel) -> Path:
    """The file that holds the MLflow run of a model; beside its folder, whose content is the model's identity."""
    return _note(stage, model.model_id)


def run_of(stage: Stage, model_id: str) -> str | None:
    """The MLflow run of a model; None where none was noted."""
    noted = _note(stage, model_id)
    return (noted.read_text(encoding="utf-8") or None) if noted.is_file() else None


def _note(stage: Stage, model_id: str) -> Path:
    return stage.models / f"{model_id}.logged"


def begun_in(stage: Stage, model_id: str) -> Path:
    """The file that holds the MLflow run of a training that was begun and is not recorded yet."""
    return stage.models / f"{model_id}.run"


@contextlib.contextmanager
def followed(stage: Stage, name: str, model_id: str, plan: TrainingPlan) -> Iterator[LiveRun]:
    """What takes the looks at a training: its run, which fails where the block does.

    A training that goes on after a kill goes on in the run that it began, if that still stands.
    """
    note = begun_in(stage, model_id)
    with model_run(name, model_id, run_id=_noted(note)) as run_id:
        stage.models.mkdir(parents=True, exist_ok=True)
        note.write_text(run_id, encoding="utf-8")
        stage.say(f"reward model {name}: MLflow run {run_id} shows the training as it goes")
        yield live_run(run_id, plan)


def _noted(note: Path) -> str | None:
    return (note.read_text(encoding="utf-8") or None) if note.is_file() else None


def measured(stage: Stage, model: TrainedModel, validation: Path | None) -> ValidationFigures | None:
    """What the model is worth on a validation snapshot; None without one, or without its groups and sources."""
    rows = read_validation_rows(validation) if validation is not None else None
    if rows is None or validation is None:
        return None
    from synpref.reward.scoring import score_responses  # torch: only where something is scored

    rewards = score_responses(model.path, validation, stage.folder / "features")
    return validation_figures(rows, rewards, stage.settings.seed)


def card_of(model: TrainedModel) -> Path:
    """The file of a model's card; it is no part of the model's identity."""
    return model.path / "README.md"


def write_card(model: TrainedModel, figures: ValidationFigures | None, facts: DataFacts) -> None:
    """Put the model card into the model's folder."""
    plain = None if figures is None else figures.as_dict()
    card_of(model).write_text(model_card(model, plain, facts, code_version()), encoding="utf-8")


def recorded(
    stage: Stage, model: TrainedModel, origin: TableVersion | FilesRead, figures: ValidationFigures | None
) -> str:
    """Log a model and its figures, in the run that followed its training if there is one, and remember the run; give
    back its id.
    """
    metrics, begun = {} if figures is None else metrics_of(figures), begun_in(stage, model.model_id)
    with_model = stage.settings.mlflow.log_models
    run_id = log_training(model, origin, metrics=metrics, with_model=with_model, run_id=_noted(begun))
    if figures is not None:
        _log_calibration(run_id, model.name, figures)
    logged_in(stage, model).write_text(run_id, encoding="utf-8")
    begun.unlink(missing_ok=True)
    return run_id


def registered(stage: Stage, model: TrainedModel) -> str | None:
    """Register the model where mlflow.register_as names one: the address that loads it. Its run must be recorded."""
    mlflow = stage.settings.mlflow
    if mlflow.register_as is None:
        return None
    noted = logged_in(stage, model)
    run_id = noted.read_text(encoding="utf-8")
    if not run_id:
        raise InputError(f"{noted}: an earlier version logged this model without noting its run; remove the file first")
    version = register(run_id, model.model_id, mlflow.register_as, mlflow.alias)
    address = f"models:/{mlflow.register_as}@{mlflow.alias}"
    stage.say(f"{address} is version {version}, reward model {model.name}")
    return address


def metrics_of(figures: ValidationFigures) -> dict[str, float]:
    """Names and values of MLflow metrics."""
    found = {
        "validation/accuracy": figures.accuracy.estimate,
        "validation/accuracy_low": figures.accuracy.low,
        "validation/accuracy_high": figures.accuracy.high,
        "validation/length_accuracy": figures.length.estimate,
        "validation/comparisons": float(figures.rows),
        "validation/unscored": float(figures.unscored),
        "validation/calibration_error": figures.calibration.error,
        "validation/loss": figures.calibration.loss,
    }
    for what, accuracies in (("source", figures.by_source), ("category", figures.by_category)):
        for name, one in accuracies.items():
            found[f"validation/accuracy_by_{what}/{_NO_METRIC_NAME.sub('_', name)}"] = one.accuracy
    return found


def _log_calibration(run_id: str, name: str, figures: ValidationFigures) -> None:
    from mlflow import MlflowClient

    client = MlflowClient()
    plain: dict[str, Any] = figures.as_dict()
    bins = plain["calibration"]["bins"]
    table = {column: [one[column] for one in bins] for column in ("low", "high", "rows", "confidence", "accuracy")}
    client.log_figure(run_id, reliability_plot(figures.calibration, name), "validation/reliability.png")
    client.log_table(run_id, table, "validation/reliability.json")
    client.log_dict(run_id, plain, "validation/figures.json")
