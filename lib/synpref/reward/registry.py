"""A trained model under a name of MLflow's registry, found by an alias."""

from __future__ import annotations

from synpref.errors import SettingsError
from synpref.reward.tracking import MODEL_ARTIFACT, fewer_words

TAG = "model_id"


def register(run_id: str, model_id: str, name: str, alias: str) -> str:
    """Register the model that the run holds as a new version of `name`, let `alias` mean it; give the version back.

    Where the alias means this model already, nothing is done. `models:/<name>@<alias>` loads it. Raises SettingsError
    where the registry takes no such name or alias.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient()
    try:
        held = client.get_model_version_by_alias(name, alias)
    except MlflowException:  # no such model yet, or no such alias
        held = None
    if held is not None and held.tags.get(TAG) == model_id:
        return str(held.version)
    try:
        with fewer_words():
            made = mlflow.register_model(f"runs:/{run_id}/{MODEL_ARTIFACT}", name, tags={TAG: model_id})
        client.set_registered_model_alias(name, alias, made.version)
    except MlflowException as error:
        raise SettingsError(f"mlflow.register_as {name!r}, mlflow.alias {alias!r}: {error.message}") from None
    return str(made.version)
