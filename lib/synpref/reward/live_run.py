"""The MLflow run of a model while it is trained: every look at the training stands there as it happens."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synpref.reward.plan import WITHOUT_EFFECT, TrainingPlan
from synpref.reward.tracking import points, points_in, trouble_tags


@dataclass(frozen=True)
class LiveRun:
    """What takes the looks; a process beside this one can be given it.

    known: points that the run had before, by metric and step: a training that goes on from a checkpoint comes by steps
    again that were looked at before it was killed.
    """

    tracking_uri: str
    run_id: str
    known: frozenset[tuple[str, int]] = frozenset()

    def __call__(self, entry: Mapping[str, float | None], warnings: Sequence[str]) -> str | None:
        """Add an entry of TrainedModel.history and the signs of trouble so far. What went wrong, in words, if it did:
        a training does not end for it, and log_training adds what is missing.
        """
        from mlflow import MlflowClient
        from mlflow.entities import RunTag
        from mlflow.exceptions import MlflowException

        tags = [RunTag(name, value) for name, value in trouble_tags(warnings).items()]
        try:
            MlflowClient(self.tracking_uri).log_batch(self.run_id, metrics=points([entry], self.known), tags=tags)
        except MlflowException as error:
            return f"MLflow did not take the look at step {entry['step']}: {' '.join(str(error.message).split())[:200]}"
        return None


def live_run(run_id: str, plan: TrainingPlan) -> LiveRun:
    """Write the plan into a run of the active store, and let the run be followed from there."""
    import mlflow
    from mlflow.entities import Param

    fixed = {name: value for name, value in dataclasses.asdict(plan).items() if name not in WITHOUT_EFFECT}
    client = mlflow.MlflowClient()
    client.log_batch(run_id, params=[Param(name, str(value)) for name, value in fixed.items()])
    return LiveRun(mlflow.get_tracking_uri(), run_id, points_in(run_id))
