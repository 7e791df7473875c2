"""Train a reward model from a snapshot folder, or find the one that was trained from the same rows before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from synpref.engines.identity import model_fingerprint
from synpref.engines.model_folder import check_model_folder
from synpref.errors import InputError, SettingsError
from synpref.reward.backbones import load_classifier, load_tokenizer
from synpref.reward.extraction import FeatureKind, Source, fill_features, open_features
from synpref.reward.fitting import fit
from synpref.reward.model_folder import TrainedModel, find_model, model_identity, save_model
from synpref.reward.plan import TrainingPlan
from synpref.reward.rows import Comparisons, read_comparisons, read_responses
from synpref.reward.upper import cut_model

Progress = Callable[[str], None]


def train_reward_model(
    data: Path,
    *,
    backbone: Path,
    models_dir: Path,
    features_dir: Path | None,
    validation: Path | None,
    settings: TrainingPlan,
    name: str,
    progress: Progress | None = None,
) -> TrainedModel:
    """Train a Bradley-Terry reward model (paper.md §4) with the best checkpoint by validation accuracy (§2.2).

    data, validation: folders with comparisons/ and responses/ (parquet; see `rows`). models_dir: the model lands in
    models_dir/<model_id>; where that stands, it is reused and nothing is trained. features_dir: rows of the frozen
    layers, shared by all models over this backbone; None: a folder for this training only. name: for people.
    Raises InputError (no rows, no backbone, responses that do not stand in responses/), SettingsError (a plan that
    cannot work), EngineError (the loss is no number).
    """
    settings.check()
    training = read_comparisons(data)
    held_out = read_comparisons(validation) if validation else None
    fingerprint = model_fingerprint(check_model_folder(backbone))
    model_id = model_identity(training.digest, settings, fingerprint, held_out.digest if held_out else None)
    known = find_model(models_dir, model_id)
    if known:
        return known
    with TemporaryDirectory() as own:
        kind = FeatureKind(fingerprint, _frozen_layers(backbone, settings), settings.max_tokens, settings.overlong)
        store = open_features(features_dir or Path(own), kind)
        tokenizer = load_tokenizer(backbone)
        source = Source(store, kind, backbone, tokenizer, progress)
        training, counts = _usable(training, data, source)
        if validation and held_out:
            held_out, more = _usable(held_out, validation, source)
            counts |= {f"validation_{what}": count for what, count in more.items()}
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            cut = cut_model(load_classifier(backbone, tokenizer), settings.trainable_layers, backbone)
            found = fit(cut.upper, training, held_out, store, settings, progress=progress)
    record = TrainedModel(
        model_id=model_id,
        name=name,
        path=models_dir / model_id,
        plan=settings,
        training_digest=training.digest,
        backbone=fingerprint,
        frozen_layers=kind.frozen_layers,
        best_step=found.best_step,
        validation_accuracy=found.best_accuracy,
        history=found.history,
        rows=counts,
    )
    return save_model(models_dir, record, cut.join().cpu(), tokenizer)


def _frozen_layers(backbone: Path, settings: TrainingPlan) -> int | None:
    from transformers import AutoConfig

    if settings.trainable_layers is None:
        return None
    try:
        layers = int(AutoConfig.from_pretrained(backbone, local_files_only=True).num_hidden_layers)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"{backbone}: no model configuration that tells the number of layers ({error})") from error
    if settings.trainable_layers > layers:
        raise SettingsError(f"training: trainable_layers is {settings.trainable_layers}, {backbone} has {layers}")
    return layers - settings.trainable_layers


def _usable(rows: Comparisons, folder: Path, source: Source) -> tuple[Comparisons, dict[str, int]]:
    """Fill the store for these rows; leave out comparisons with a response that was refused as too long, counted."""
    store, max_tokens = source.store, source.kind.max_tokens
    if store.missing(rows.response_ids):
        fill_features(source, read_responses(folder), only=set(rows.response_ids))
    absent = store.missing(rows.response_ids)
    if absent:
        raise InputError(f"{folder}/responses: {len(absent)} responses of comparisons are missing, {min(absent)} first")
    usable = rows.only(store.lengths(rows.response_ids) > 0)
    counts = {
        "comparisons": len(usable),
        "comparisons_refused": len(rows) - len(usable),
        "responses": len(rows.response_ids),
        "responses_truncated": store.truncated(rows.response_ids),
    }
    if not len(usable):
        raise InputError(f"{folder}: every comparison has a response above {max_tokens} tokens; raise max_tokens")
    return usable, counts
