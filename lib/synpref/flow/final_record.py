"""The final models' accuracies on test prompts in MLflow: in the run of the stage, and in the run of each model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from synpref.flow.model_record import run_of
from synpref.stage import Stage

ACCURACY = "test/accuracy"
_INTERVAL = "reward_models."  # what names of their intervals begin with


def log_tests(stage: Stage, models: Mapping[str, Sequence[Mapping[str, Any]]], detail: Mapping[str, Any]) -> None:
    """Log test/accuracy/<set> with its bounds and differences to the open run, and each model's own to the model's.

    models: the final models by set (flow.models.noted). detail: flow.final_models.Tested.detail.
    """
    mlflow.log_metrics(metrics_of_tests(detail))
    for mix, accuracies in detail["per_seed"].items():
        for model, accuracy in zip(models[mix], accuracies, strict=True):
            _log_model(stage, model, accuracy)


def metrics_of_tests(detail: Mapping[str, Any]) -> dict[str, float]:
    """Names and values of MLflow metrics: the mean of a set's seeds, and the bounds of its interval."""
    found = {f"{ACCURACY}/{mix}": accuracy for mix, accuracy in detail["reward_models"].items()}
    for name, interval in detail["intervals"].items():
        place = f"{ACCURACY}/{name.removeprefix(_INTERVAL)}"
        bounds = {f"{place}_low": interval["low"], f"{place}_high": interval["high"]}
        found |= {place: interval["estimate"], **bounds}
    return {**found, f"{ACCURACY}/length": detail["length"]}


def _log_model(stage: Stage, model: Mapping[str, Any], accuracy: float) -> None:
    run_id = run_of(stage, str(model["model_id"]))
    if not run_id:
        return
    try:
        MlflowClient().log_batch(run_id, metrics=[Metric(ACCURACY, accuracy, int(time.time() * 1000), 0)])
    except MlflowException as error:  # trained under another tracking server, or removed since
        stage.say(f"{model['name']}: its accuracy on tests is not in its MLflow run {run_id}: {error}")
