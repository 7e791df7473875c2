"""Training reward models from labelled comparisons, and what is noted of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.config import load_preset
from synpref.errors import InputError
from synpref.flow.model_record import card_of, followed, logged_in, measured, recorded, write_card
from synpref.flow.pool import source_labels
from synpref.flow.specs import campaign_plan, training_layout
from synpref.quality.wilson import wilson_lower
from synpref.report.model_card import DataFacts
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.snapshot import export_pairs, snapshot_name
from synpref.reward.tracking import TableVersion
from synpref.reward.validation_rows import export_validation_rows
from synpref.settings import Settings
from synpref.stage import Stage


def snapshot(stage: Stage, winners: DataFrame) -> Path:
    """A folder with these comparisons for a trainer; made once for a set."""
    read = stage.warehouse.read
    folder = stage.folder / "snapshots" / snapshot_name(winners)
    export_pairs(winners, read("comparisons"), read("prompts"), read("responses"), folder)
    return folder


def described(stage: Stage, winners: DataFrame, folder: Path) -> Path:
    """Write group, source and category of these comparisons beside their snapshot; see reward/validation_rows.py."""
    read = stage.warehouse.read
    export_validation_rows(winners, read("comparisons"), read("responses"), _categories(stage, winners), folder)
    return folder


def _categories(stage: Stage, wanted: DataFrame) -> DataFrame:
    """(comparison_id, category) of the wanted: the task category an attribute engine gave, else the files' `category`.

    Of several engines, samples and files the first by name counts, so that a run again finds the same.
    """
    read, ids = stage.warehouse.read, F.broadcast(wanted.select("comparison_id"))  # the small side of both joins
    given = F.get_json_object("extra", "$.category")
    told = read("occurrences").join(ids, "comparison_id", "left_semi").groupBy("comparison_id")
    found = told.agg(F.min(given).alias("category"))
    if stage.warehouse.exists("attributes"):
        tasks = read("attributes").where("task_category IS NOT NULL").join(ids, "comparison_id", "left_semi")
        first = F.min_by("task_category", F.struct("engine_id", "sample"))
        found = found.join(tasks.groupBy("comparison_id").agg(first.alias("task")), "comparison_id", "full")
        found = found.select("comparison_id", F.coalesce("task", "category").alias("category"))
    return found.where("category IS NOT NULL")


def gold_validation(stage: Stage, campaign: str, gold: DataFrame) -> Path:
    """The snapshot that a campaign's models are measured on, with group, source and category of each comparison.

    gold: comparison_id, winner. Stage 1 and the final models share it: it is made once.
    """
    groups = source_labels(stage, campaign).select("comparison_id", "group", "source")
    return described(stage, gold.join(groups, "comparison_id"), snapshot(stage, gold))  # gold is small


def trained(
    stage: Stage,
    name: str,
    data: Path,
    validation: Path,
    table: str,
    seed: int | None = None,
    facts: DataFacts | None = None,
) -> TrainedModel:
    """Train a reward model, or find the one of the same rows, settings, backbone, seed; and record it in MLflow.

    table: where the rows come from. facts: what its card says of them; None: it gets none.
    """
    plan = campaign_plan(stage.settings, stage.settings.seed if seed is None else seed)
    model = fitted(stage, name, data, validation, plan)
    logged = logged_in(stage, model).exists()  # not so where a kill came between training and logging
    carded = facts is None or card_of(model).is_file()
    if logged and carded:
        return model
    figures = measured(stage, model, validation)
    if facts is not None:
        write_card(model, figures, facts)  # before it is logged: the card is part of the model
    if not logged:
        recorded(stage, model, _version(stage, table), figures)
    return model


def fitted(stage: Stage, name: str, data: Path, validation: Path | None, plan: TrainingPlan) -> TrainedModel:
    """Train a reward model, which its MLflow run shows as it goes, or find the one of the same rows, plan, backbone."""
    settings = stage.settings
    from synpref.reward.training import train_reward_model  # torch: only where something is trained

    _check_preset(settings)

    with contextlib.ExitStack() as run:
        model = train_reward_model(
            data,
            backbone=Path(settings.train.backbone),
            models_dir=stage.models,
            features_dir=stage.folder / "features",
            validation=validation,
            settings=plan,
            name=name,
            progress=stage.say,
            layout=training_layout(settings),
            begin=lambda model_id, settled: run.enter_context(followed(stage, name, model_id, settled)),
        )
    accuracy = (
        "" if model.validation_accuracy is None else f", gold-validation accuracy {model.validation_accuracy:.3f}"
    )
    stage.say(f"reward model {name}: {'stands already' if model.reused else 'trained'}{accuracy}")
    return model


def _check_preset(settings: Settings) -> None:
    from synpref.reward.architecture import check_architecture  # torch, as above

    train = settings.train
    if train.preset is not None:
        check_architecture(load_preset(train.preset).architecture, Path(train.backbone), train.preset)


def _version(stage: Stage, table: str) -> TableVersion:
    location, version = stage.warehouse.location, stage.warehouse.version(table)
    if location.path is None:
        return TableVersion(table, version, identifier=location.identifier(table))
    return TableVersion(table, version, path=location.folder(table))


def noted(model: TrainedModel, fold: int | None = None) -> dict[str, Any]:
    """What later stages read of a model. path: where it lay when it was trained; Stage.model_folder finds it."""
    return {
        "name": model.name,
        "model_id": model.model_id,
        "path": str(model.path),
        "validation_accuracy": model.validation_accuracy,
        "validation_comparisons": model.rows["validation_comparisons"],
        "comparisons": model.rows["comparisons"],
        "fold": fold,
        "reused": model.reused,
    }


def refuse_weak(stage: Stage, models: list[dict[str, Any]]) -> None:
    """Stop where a reward model is not better than chance on gold-validation, unless the settings allow it."""
    for model in models:
        asked = model["validation_comparisons"]
        right = round(model["validation_accuracy"] * asked)
        lower = wilson_lower(right, asked, stage.settings.admission.z)
        if lower > 0.5:
            continue
        message = (
            f"reward model {model['name']}: right on {right} of {asked} gold-validation comparisons, lower bound "
            f"{lower:.3f}: not better than chance"
        )
        if not stage.settings.stage2.allow_weak_models:
            raise InputError(f"{message}. Label more gold, train longer, or set stage2.allow_weak_models=true")
        stage.say(f"warning: {message}; going on because stage2.allow_weak_models is set")


def unread(size: int, models: Sequence[TrainedModel]) -> int:
    """Comparisons of a training set that its models neither read nor refused, by the trainer's counts."""
    return sum(abs(size - one.rows["comparisons"] - one.rows.get("comparisons_refused", 0)) for one in models)


def enough(winners: DataFrame, least: int, what: str) -> int:
    """How many labels there are; InputError where they are too few to train on."""
    count = winners.count()
    if count < least:
        raise InputError(f"{what}: {count} labels, a reward model needs {least} (train.min_comparisons); label more")
    return count
