"""`synpref train` on pairs of files or of a table: read, train, measure, record; no campaign is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synpref.errors import InputError
from synpref.flow.model_record import card_of, logged_in, measured, recorded, registered, write_card
from synpref.flow.models import described, fitted, noted, snapshot
from synpref.flow.specs import data_plan
from synpref.flow.training_data import TrainingData, training_data
from synpref.flow.training_text import training_text
from synpref.pairs.short_names import short_names
from synpref.report.model_card import DataFacts
from synpref.reward.tracking import FilesRead, TableVersion
from synpref.stage import Outcome, Stage


@dataclass(frozen=True)
class Trained:
    """outcome: for the record. text: what a person is told at the end."""

    outcome: Outcome
    text: str


def train_on_data(stage: Stage) -> Trained:
    """Train one reward model on train.data with train.seed; one that stands already is only measured again.

    Raises InputError where there is too little to train on (train.min_comparisons), or nothing to measure on though
    train.data asks for validation.
    """
    data = training_data(stage)
    folder, validation = _snapshots(stage, data)
    name = _name(stage)
    model = fitted(stage, name, folder, validation, data_plan(stage.settings))
    figures = measured(stage, model, validation)
    origin = _origin(data)
    if not card_of(model).is_file():  # one that stands names the code that trained the model
        write_card(model, figures, _facts(stage, data, origin))  # before it is logged: the card is part of the model
    if not logged_in(stage, model).exists():
        recorded(stage, model, origin, figures)
    address = registered(stage, model)
    data.labelled.unpersist()
    used = sum(data.sizes.values())
    outcome = Outcome(
        rows_in=data.rows_in,
        rows_out=used,
        duplicates=data.duplicates,
        quarantined=data.quarantined,
        detail={
            "models": {"data": [noted(model)]},
            "sizes": dict(data.sizes),
            "groups": dict(data.groups),
            "data": data.data_id,
            "validation": None if figures is None else figures.as_dict(),
            "registered": address,
        },
    )
    where = {"address": stage.settings.mlflow.tracking_uri, "run": logged_in(stage, model).read_text(encoding="utf-8")}
    return Trained(outcome, training_text(model, figures, data.sizes, data.groups, where, address))


def _snapshots(stage: Stage, data: TrainingData) -> tuple[Path, Path | None]:
    train, least = data.sizes.get("train", 0), stage.settings.train.min_comparisons
    if train < least:
        raise InputError(
            f"train.data: {train} comparisons are left to train on, a reward model needs {least} "
            "(train.min_comparisons); name more files, or lower train.data.validation_share"
        )
    asked = stage.settings.train.data
    if "validation" not in data.sizes and (asked.validation or asked.validation_share):
        why = ", ".join(f"{reason} {count}" for reason, count in data.quarantined.items()) or "nothing"
        raise InputError(
            f"train.data: no comparison is left to measure on; refused of all files: {why} (table quarantine). Name "
            "other files in train.data.validation; to train without, set it to [] and train.data.validation_share=0"
        )
    stage.say(f"training on {train} comparisons of {data.groups['train']} groups")
    folder = snapshot(stage, data.labelled.where("side = 'train'"))
    if "validation" not in data.sizes:
        stage.say("no validation: the last checkpoint is the one that is kept, and nothing is measured")
        return folder, None
    held = data.labelled.where("side = 'validation'")
    stage.say(f"measuring on {data.sizes['validation']} comparisons of {data.groups['validation']} other groups")
    return folder, described(stage, held, snapshot(stage, held))


def _name(stage: Stage) -> str:
    data = stage.settings.train.data
    sources = [one.source for one in data.pairs] or [Path(data.table or "table").name]
    return "+".join(dict.fromkeys(sources))[:80]


def _origin(data: TrainingData) -> TableVersion | FilesRead:
    if data.table is not None:
        return TableVersion(data.table.name, data.table.version, path=data.table.path, identifier=data.table.identifier)
    tables = (TableVersion(Path(path).name, version, path=path) for path, version in data.folders.items())
    return FilesRead(data.files, tuple(tables))


def _facts(stage: Stage, data: TrainingData, origin: TableVersion | FilesRead) -> DataFacts:
    if isinstance(origin, TableVersion):
        named = {f"table {origin.name}": f"version {origin.version}"}
    else:
        files = short_names(map(Path, origin.digests))
        named = {files[Path(path)]: digest[:16] for path, digest in origin.digests.items()}
        folders = short_names(Path(one.path or one.name) for one in origin.tables)
        named |= {f"table {folders[Path(one.path or one.name)]}": f"version {one.version}" for one in origin.tables}
    return DataFacts(
        data=named,
        sizes=data.sizes,
        groups=data.groups,
        refused=data.quarantined,
        duplicates=data.duplicates,
        decontaminated=[Path(path).name for path in stage.settings.train.data.decontaminate],
        backbone=stage.settings.train.backbone,
    )
