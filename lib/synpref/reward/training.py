"""Train a reward model from a snapshot folder, or find the one that was trained from the same rows before."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from synpref.engines.identity import model_fingerprint
from synpref.engines.model_folder import check_model_folder
from synpref.engines.tenancy import end_idle_engines
from synpref.engines.tokenise import gives_segments
from synpref.errors import InputError, SettingsError
from synpref.reward.backbones import drop_nothing, has_dropout, load_classifier, load_tokenizer
from synpref.reward.checkpoints import checkpoints_folder, forget
from synpref.reward.extraction import FeatureKind, Source, fill_features, open_features
from synpref.reward.fitting import Ground, fit, limits_of
from synpref.reward.graph import oversized
from synpref.reward.ids import Ids, keys_of
from synpref.reward.model_folder import TrainedModel, find_model, model_identity, save_model
from synpref.reward.plan import Layout, TrainingPlan
from synpref.reward.precision import settled
from synpref.reward.rows import Comparisons, read_comparisons, read_responses
from synpref.reward.sorted_runs import SortedRuns
from synpref.reward.upper import Cut, cut_model
from synpref.reward.watch import Follow

Progress = Callable[[str], None]

_PATIENCE = timedelta(days=1)  # of processes that wait for the first one to fill the feature store


@dataclasses.dataclass(frozen=True)
class Task:
    """A training that is to be done, as all processes get it. features: a folder that all of them see.

    follow: takes each look, where the process that looks can reach what it writes to.
    """

    data: Path
    validation: Path | None
    backbone: Path
    fingerprint: str
    models_dir: Path
    features: Path
    plan: TrainingPlan
    layout: Layout
    model_id: str
    name: str
    follow: Follow | None = None


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
    layout: Layout = Layout(),  # noqa: B008 - frozen
    begin: Callable[[str, TrainingPlan], Follow] | None = None,
) -> TrainedModel:
    """Train a Bradley-Terry reward model (paper.md §4) with the best checkpoint by validation accuracy (§2.2).

    data, validation: folders with comparisons/ and responses/ (parquet; see `rows`). models_dir: the model lands in
    models_dir/<model_id>; where that stands, it is reused and nothing is trained; where checkpoints of it stand, the
    training goes on from them. features_dir: rows of the frozen layers, shared by all models over this backbone; None:
    a folder for this training only. name: for people. layout: one process, this one, or several, which needs a Spark
    session and folders that all of them see. begin: told which model is trained, by its id, where one is; what it gives
    back takes each look at the training (see `watch`), as a copy where processes beside this one train; on a cluster's
    workers nothing does.
    Raises InputError (no rows, no backbone, responses that do not stand in responses/, no space for what is written),
    SettingsError (a plan that cannot work), EngineError (the loss is no number, a process failed).
    """
    settings.check()
    layout.check()
    if layout.on_cluster and settings.dtype is None:
        raise SettingsError("training: dtype is null; a cluster's workers are not measured from here, name the dtype")
    if not settings.dropout and not has_dropout(backbone):
        settings = dataclasses.replace(settings, dropout=True)  # nothing is dropped either way: one identity
    digest = read_comparisons(data).digest
    held_out = read_comparisons(validation).digest if validation else None
    fingerprint = model_fingerprint(check_model_folder(backbone))

    def identity(plan: TrainingPlan) -> str:
        return model_identity(digest, plan, fingerprint, held_out)

    def begun(plan: TrainingPlan) -> bool:
        folder = checkpoints_folder(models_dir, identity(plan), layout.strategy)
        return folder.is_dir() or find_model(models_dir, identity(plan)) is not None

    plan = settled(settings, begun, progress)
    model_id = identity(plan)
    known = find_model(models_dir, model_id)
    if known:
        return known
    look = begin(model_id, plan) if begin else None
    follow = None if layout.on_cluster and layout.processes > 1 else look
    with _features(features_dir, models_dir, layout) as features:
        task = Task(data, validation, backbone, fingerprint, models_dir, features, plan, layout, model_id, name, follow)
        if layout.processes == 1:
            return _train(task, progress)
        from synpref.reward.distribution import run_on_processes

        run_on_processes(_train_as_one_of_many, task, layout=layout)
    trained = find_model(models_dir, model_id)
    if trained is None:
        raise InputError(
            f"{models_dir}: the processes finished, and no model {model_id} is here; is the folder shared?"
        )
    return dataclasses.replace(trained, reused=False)


@contextlib.contextmanager
def _features(features_dir: Path | None, models_dir: Path, layout: Layout) -> Iterator[Path]:
    if features_dir:
        yield features_dir
        return
    shared = models_dir if layout.processes > 1 else None
    if shared:
        shared.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".features-", dir=shared) as own:
        yield Path(own)


def _train_as_one_of_many(task: Task) -> None:
    """What each process does. The first one fills the feature store, and writes the model."""
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)
    with state.main_process_first():
        if state.is_main_process:
            _ground(task, _tell)
    _train(task, _tell if state.is_main_process else None, first=state.is_main_process)
    state.wait_for_everyone()


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")  # the driver passes it on
    sys.stdout.flush()


def _train(task: Task, progress: Progress | None, *, first: bool = True) -> TrainedModel:
    ground, counts = _ground(task, progress)
    counts["prompts_split"] = oversized(ground.training, limits_of(ground, task.plan))
    if counts["prompts_split"] and progress:
        progress(f"{counts['prompts_split']} prompts have more responses than a micro-batch holds: they are split")
    with torch.random.fork_rng():
        torch.manual_seed(task.plan.seed)
        cut = _cut(task)
        folder = checkpoints_folder(task.models_dir, task.model_id, task.layout.strategy)
        checkpoints = folder if task.plan.checkpoint_every else None
        found = fit(
            cut.upper, ground, task.plan, checkpoints=checkpoints, layout=task.layout, progress=progress,
            follow=task.follow,
        )  # fmt: skip
    record = TrainedModel(
        model_id=task.model_id,
        name=task.name,
        path=task.models_dir / task.model_id,
        plan=task.plan,
        training_digest=ground.training.digest,
        backbone=task.fingerprint,
        frozen_layers=_frozen_layers(task.backbone, task.plan),
        best_step=found.best_step,
        validation_accuracy=found.best_accuracy,
        history=found.history,
        rows=counts,
        warnings=list(found.warnings.values()),
    )
    if not first:
        return record
    if task.layout.strategy == "fsdp" and task.layout.processes > 1:
        cut = _cut(task)  # the weights of the other one are spread over the processes
    cut.upper.load_state_dict(found.best_state or {})
    joined: Any = cut.join()  # transformers leaves its methods untyped
    joined.gradient_checkpointing_disable()
    saved = save_model(task.models_dir, record, joined.eval().cpu(), load_tokenizer(task.backbone))
    forget(task.models_dir, task.model_id)
    return saved


def _cut(task: Task) -> Cut:
    model = load_classifier(task.backbone, load_tokenizer(task.backbone))
    said = {} if task.plan.dropout else drop_nothing(model)
    if task.plan.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return dataclasses.replace(cut_model(model, task.plan.trainable_layers, task.backbone), said=said)


def _ground(task: Task, progress: Progress | None) -> tuple[Ground, dict[str, int]]:
    """Rows that can be used, their features in the store; what was left out, counted."""
    if torch.cuda.is_available():  # the first that computes on the device, in each process of the training
        end_idle_engines()
    plan = task.plan
    tokenizer, frozen = load_tokenizer(task.backbone), _frozen_layers(task.backbone, plan)
    kind = FeatureKind(task.fingerprint, frozen, plan.max_tokens, plan.overlong, gives_segments(tokenizer))
    store = open_features(task.features, kind)
    source = Source(store, kind, task.backbone, tokenizer, progress)
    training, counts = _usable(read_comparisons(task.data), task.data, source)
    if task.validation is None:
        return Ground(training, None, store), counts
    held_out, more = _usable(read_comparisons(task.validation), task.validation, source)
    return Ground(training, held_out, store), counts | {f"validation_{what}": count for what, count in more.items()}


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
    """Fill the store for these rows; leave out comparisons with a response that the tokenisation refused, counted."""
    store, names = source.store, rows.response_ids
    places, keys = store.locate(names), keys_of(names)
    lacking = SortedRuns((), store.folder)
    for absent in places.absent():
        lacking.add(keys[absent], ())
    if len(lacking):
        fill_features(source, read_responses(folder), only=lacking.holds)
        places = store.locate(names)
    missing = sum(len(absent) for absent in places.absent())
    if missing:
        first = min(Ids(keys[next(places.absent())]))
        raise InputError(f"{folder}/responses: {missing} responses of comparisons are missing, {first} first")
    usable = rows.only(places.usable(store.folder), store.folder)
    counts = {
        "comparisons": len(usable),
        "comparisons_refused": len(rows) - len(usable),
        "responses": len(names),
        "responses_truncated": int(places.truncated.sum()),
    }
    if not len(usable):
        limit = source.kind.max_tokens
        raise InputError(
            f"{folder}: every comparison has a response above {limit} tokens, or roles that the backbone's chat "
            "template refuses; raise max_tokens, or take another backbone"
        )
    return usable, counts
