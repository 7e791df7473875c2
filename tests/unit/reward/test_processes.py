"""Processes that torchrun started, without Spark: what is told to them, and going on after one was killed."""

from __future__ import annotations

import dataclasses
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from safetensors.numpy import load_file

from synpref.errors import EngineError, SettingsError
from synpref.reward.checkpoints import FOLDER
from synpref.reward.distribution import run_on_processes
from synpref.reward.live_run import live_run
from synpref.reward.model_folder import TrainedModel, read_model
from synpref.reward.plan import Layout, TrainingPlan
from synpref.reward.tracking import model_run
from synpref.reward.training import Task, train_reward_model

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]

PLAN = TrainingPlan(
    steps=8,
    responses_per_step=10,
    learning_rate=1e-3,
    trainable_layers=1,
    max_tokens=32,
    evaluate_every=4,
    pairs_per_step=15,
    checkpoint_every=3,
)

CHILD = """
import os, pickle, signal, sys
import synpref.reward.training as training
task, line = pickle.load(open(sys.argv[1], "rb")), sys.argv[2]
tell, fit = training._tell, training.fit

def noted(*words, **named):
    course = fit(*words, **named)
    print("process", os.environ["RANK"], "the best state", course.best_state is not None, flush=True)
    return course

training.fit = noted

def told(text):
    tell(text)
    if line and text.startswith(line):
        os.kill(os.getpid(), signal.SIGKILL)

training._tell = told
training._train_as_one_of_many(task)
"""

# accelerate shards on GPUs only: two processes on processors are told that they are two GPUs.
SHARDED = """
import dataclasses, os
import torch
import torch.distributed.fsdp as fsdp
from accelerate.state import AcceleratorState, DistributedType, PartialState
import synpref.reward.fitting as fitting
from synpref.reward.trainer import sharding

begin, arguments, shard = AcceleratorState.__init__, fitting.training_arguments, fsdp.fully_shard

def begun(self, *words, fsdp_plugin=None, **named):
    begin(self, *words, fsdp_plugin=fsdp_plugin, **named)
    if fsdp_plugin is not None:
        self.fsdp_plugin = fsdp_plugin
        self.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.FSDP

def argued(plan, steps, folder, layout, layers):
    found = arguments(plan, steps, folder, dataclasses.replace(layout, strategy="ddp"), layers)
    found.fsdp, found.fsdp_config = True, dict(sharding(layers)["fsdp_config"])
    found.fsdp_plugin_args = found._process_fsdp_args()
    return found

def added(module, **options):
    found = shard(module, **options)
    found.set_force_sum_reduction_for_comms(True)  # gloo has no mean: the sum is divided
    print("shards", type(found).__name__, flush=True)
    return found

AcceleratorState.__init__, fitting.training_arguments, fsdp.fully_shard = begun, argued, added
"""
# After the third step a weight of the second process's share is no number.
POISONED = """
from synpref.reward.watch import Watch

look = Watch.on_step_end

def looked(self, args, state, control, model=None, **more):
    if os.environ["RANK"] == "1" and state.global_step == 3:
        with torch.no_grad():
            next(model.parameters()).to_local().fill_(float("nan"))
    return look(self, args, state, control, model=model, **more)

Watch.on_step_end = looked
"""


def run_two(task: Task, folder: Path, line: str = "", before: str = "") -> subprocess.CompletedProcess[str]:
    """Train on two processes, each of which runs `before` first; the first is killed when it says `line`."""
    (folder / "task.pickle").write_bytes(pickle.dumps(task))
    (folder / "child.py").write_text(before + CHILD)
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(folder / "child.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    told = [sys.executable, *words, str(folder / "task.pickle"), line]
    return subprocess.run(told, env=environment, check=False, capture_output=True, text=True)


def test_a_shared_optimiser_goes_on_after_a_kill(
    write_folder: WriteFolder, learnable: MakeRows, still_bert: Path, tmp_path: Path
) -> None:
    data, validation = write_folder("train", learnable(20, 0)), write_folder("validation", learnable(8, 1))
    alone = train_reward_model(
        data,
        validation=validation,
        backbone=still_bert,
        models_dir=tmp_path / "alone",
        features_dir=tmp_path / "features",
        settings=PLAN,
        name="a model",
    )
    models = tmp_path / "models"
    task = Task(
        data=data,
        validation=validation,
        backbone=still_bert,
        fingerprint=alone.backbone,
        models_dir=models,
        features=tmp_path / "features",
        plan=PLAN,
        layout=Layout(2, "zero1"),
        model_id=alone.model_id,
        name="a model",
    )
    killed = run_two(task, tmp_path, "step 8 of 8")
    assert "SIGKILL" in killed.stderr, killed.stderr
    assert sorted(path.name for path in (models / FOLDER).glob("*/*")) == ["checkpoint-3", "checkpoint-6"]
    done = run_two(task, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "goes on from the checkpoint of step 6" in done.stdout
    assert "step 4 of 8" not in done.stdout
    only_the_first_keeps_the_best_state(done)
    first, second = (
        load_file(folder / alone.model_id / "model.safetensors") for folder in (tmp_path / "alone", models)
    )
    first.pop("classifier.bias")  # no margin depends on it: its gradient is what rounding leaves, blown up by Adam
    assert max(float(np.abs(first[name] - second[name]).max()) for name in first) < 2e-5
    assert read_model(models / alone.model_id).history == [
        {**entry, "loss": pytest.approx(entry["loss"], abs=1e-6)} for entry in alone.history
    ]
    assert read_model(models / alone.model_id).best_step == alone.best_step


def only_the_first_keeps_the_best_state(done: subprocess.CompletedProcess[str]) -> None:
    told = sorted(re.findall(r"process (\d) the best state (True|False)", done.stdout))
    assert told == [("0", "True"), ("1", "False")]


def test_without_validation_only_the_first_process_keeps_the_last_state_and_is_followed(
    write_folder: WriteFolder, learnable: MakeRows, still_bert: Path, tmp_path: Path, tracked: ModuleType
) -> None:
    plan = dataclasses.replace(PLAN, steps=2, checkpoint_every=None)
    features, models = tmp_path / "features", tmp_path / "models"
    data = write_folder("train", learnable(20, 0))
    alone = train_reward_model(
        data,
        validation=None,
        backbone=still_bert,
        models_dir=tmp_path / "alone",
        features_dir=features,
        settings=plan,
        name="a model",
    )
    layout, name = Layout(2, "ddp"), "a model"
    with model_run(name, alone.model_id) as run_id:
        follow = live_run(run_id, plan)
        task = Task(
            data, None, still_bert, alone.backbone, models, features, plan, layout, alone.model_id, name, follow
        )
        done = run_two(task, tmp_path)
    assert done.returncode == 0, done.stderr
    only_the_first_keeps_the_best_state(done)
    assert read_model(models / alone.model_id).best_step == 2
    (look,) = tracked.MlflowClient().get_metric_history(run_id, "loss")
    assert (look.step, look.value) == (2, pytest.approx(alone.history[-1]["loss"], abs=1e-5))


def whole_task(
    write_folder: WriteFolder, learnable: MakeRows, backbone: Path, folder: Path
) -> tuple[Task, TrainedModel]:
    """A training of two processes under fsdp, and what one process makes of it."""
    plan = dataclasses.replace(PLAN, trainable_layers=2)
    data, validation = write_folder("train", learnable(20, 0)), write_folder("validation", learnable(8, 1))
    features, models = folder / "features", folder / "models"
    alone = train_reward_model(
        data,
        validation=validation,
        backbone=backbone,
        models_dir=folder / "alone",
        features_dir=features,
        settings=plan,
        name="a model",
    )
    layout = Layout(2, "fsdp")
    return Task(
        data, validation, backbone, alone.backbone, models, features, plan, layout, alone.model_id, "a model"
    ), alone


def test_shared_weights_make_the_model_of_one_process_and_are_saved_whole(
    write_folder: WriteFolder, learnable: MakeRows, tiny_llama: Path, tmp_path: Path
) -> None:
    """The way of fsdp but for the GPUs: gradients, validation, the best state, checkpoints, going on after a kill."""
    task, alone = whole_task(write_folder, learnable, tiny_llama, tmp_path)
    killed = run_two(task, tmp_path, "step 8 of 8", SHARDED)
    assert "SIGKILL" in killed.stderr, killed.stderr
    assert "shards FSDPLlamaDecoderLayer" in killed.stdout
    done = run_two(task, tmp_path, before=SHARDED)
    assert done.returncode == 0, done.stderr
    assert "goes on from the checkpoint of step 6" in done.stdout
    only_the_first_keeps_the_best_state(done)
    model = read_model(task.models_dir / alone.model_id)
    first, second = (load_file(one.path / "model.safetensors") for one in (alone, model))
    assert first.keys() == second.keys()
    assert max(float(np.abs(first[name] - second[name]).max()) for name in first) < 2e-5
    assert model.history == [{**entry, "loss": pytest.approx(entry["loss"], abs=1e-5)} for entry in alone.history]
    assert model.best_step == alone.best_step


def test_a_share_of_the_weights_that_is_no_number_is_not_saved(
    write_folder: WriteFolder, learnable: MakeRows, tiny_llama: Path, tmp_path: Path
) -> None:
    task, _ = whole_task(write_folder, learnable, tiny_llama, tmp_path)
    done = run_two(task, tmp_path, before=SHARDED + POISONED)
    assert done.returncode != 0
    assert "broke off at step 3: its gradient left weights that are no numbers" in done.stderr, done.stderr
    assert not [*task.models_dir.rglob("checkpoint-*")]


def test_without_a_session_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql import SparkSession

    monkeypatch.setattr(SparkSession, "getActiveSession", classmethod(lambda cls: None))
    with pytest.raises(EngineError, match="needs a Spark session"):
        run_on_processes(print, layout=Layout(2))


def test_a_cluster_cannot_be_measured_from_here(tmp_path: Path) -> None:
    plan = TrainingPlan(steps=1, dtype=None)
    with pytest.raises(SettingsError, match="dtype is null"):
        train_reward_model(
            tmp_path,
            validation=None,
            backbone=tmp_path,
            models_dir=tmp_path,
            features_dir=None,
            settings=plan,
            name="a model",
            layout=Layout(2, on_cluster=True),
        )
