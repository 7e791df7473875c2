"""Checkpoints: going on after a kill, and what happens to one that is not whole."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from synpref.errors import EngineError, InputError
from synpref.reward import graph, watch
from synpref.reward.checkpoints import FOLDER, broken, latest, seal
from synpref.reward.course import Course, load_course, save_course
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.trainer import StepTrainer
from synpref.reward.training import train_reward_model

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]
Folders = tuple[Path, Path]

PLAN = TrainingPlan(
    steps=24,
    responses_per_step=16,
    learning_rate=1e-2,
    trainable_layers=None,
    max_tokens=32,
    evaluate_every=5,
    pairs_per_step=20,
    checkpoint_every=6,
)

CHILD = """
import os, pickle, signal, sys
from synpref.reward.training import train_reward_model
arguments, line = pickle.load(open(sys.argv[1], "rb")), sys.argv[2]

def say(told):
    print(told, flush=True)
    if told.startswith(line):
        os.kill(os.getpid(), signal.SIGKILL)

train_reward_model(progress=say, **arguments)
"""


@pytest.fixture
def folders(write_folder: WriteFolder, learnable: MakeRows) -> Folders:
    return write_folder("train", learnable(30, 0)), write_folder("validation", learnable(12, 1))


def arguments_of(folders: Folders, backbone: Path, models: Path, plan: TrainingPlan = PLAN) -> dict[str, object]:
    return {
        "data": folders[0],
        "validation": folders[1],
        "backbone": backbone,
        "models_dir": models,
        "features_dir": models.parent / "features",
        "settings": plan,
        "name": "a model",
    }


def train(folders: Folders, backbone: Path, models: Path, plan: TrainingPlan = PLAN) -> tuple[TrainedModel, list[str]]:
    told: list[str] = []
    model = train_reward_model(
        folders[0],
        validation=folders[1],
        backbone=backbone,
        models_dir=models,
        features_dir=models.parent / "features",
        settings=plan,
        name="a model",
        progress=told.append,
    )
    return model, told


def same_weights(one: TrainedModel, other: TrainedModel) -> bool:
    first, second = (load_file(model.path / "model.safetensors") for model in (one, other))
    return all(torch.equal(first[name], second[name]) for name in first)


def checkpoints_in(models: Path) -> list[str]:
    return sorted(path.name for path in (models / FOLDER).glob("*/*"))


def killed_at(line: str, folders: Folders, backbone: Path, models: Path) -> None:
    """Train in a process of its own until it says `line`, and kill it there."""
    import pickle

    told = models.parent / "arguments.pickle"
    told.write_bytes(pickle.dumps(arguments_of(folders, backbone, models)))
    child = [sys.executable, "-c", CHILD, str(told), line]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(child, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama"])
def test_a_killed_training_goes_on_to_the_same_model(
    kind: str, folders: Folders, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With dropout (bert), a look between two checkpoints, and a mean loss that began before the checkpoint."""
    backbone = request.getfixturevalue(kind)
    whole, _ = train(folders, backbone, tmp_path / "whole")
    killed_at("step 20 of 24", folders, backbone, tmp_path / "models")
    assert checkpoints_in(tmp_path / "models") == ["checkpoint-12", "checkpoint-18"]
    model, told = train(folders, backbone, tmp_path / "models")
    assert any("goes on from the checkpoint of step 18" in line for line in told)
    assert not any(line.startswith("step 15") for line in told)
    assert same_weights(model, whole)
    assert dataclasses.replace(model, path=whole.path) == whole
    assert [path.name for path in (tmp_path / "models").iterdir()] == [model.model_id]


def test_a_checkpoint_cut_short_gives_way_to_the_one_before(
    folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = train(folders, tiny_bert, tmp_path / "whole")
    stopped_while_sealing(3, folders, tiny_bert, tmp_path / "models", monkeypatch)
    assert checkpoints_in(tmp_path / "models") == ["checkpoint-12", "checkpoint-18"]
    model, told = train(folders, tiny_bert, tmp_path / "models")
    assert any("checkpoint-18 is passed over (it was cut short" in line for line in told)
    assert any("goes on from the checkpoint of step 12" in line for line in told)
    assert same_weights(model, whole)


def stopped_while_sealing(
    number: int, folders: Folders, backbone: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def interrupted(checkpoint: Path) -> None:
        calls.append(checkpoint)
        if len(calls) == number:
            raise KeyboardInterrupt
        seal(checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(watch, "seal", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(folders, backbone, models)


@pytest.mark.parametrize("name", ["optimizer.pt", "model.safetensors", "rng_state.pth", "course.json"])
def test_a_file_of_another_size_makes_a_checkpoint_broken(
    name: str, folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_while_sealing(3, folders, tiny_bert, tmp_path / "models", monkeypatch)
    (folder,) = (tmp_path / "models" / FOLDER).iterdir()
    assert broken(folder / "checkpoint-12") is None
    with (folder / "checkpoint-12" / name).open("r+b") as file:
        file.truncate(10)
    assert broken(folder / "checkpoint-12") == f"{name} is not the file that was written"
    assert latest(folder) is None


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("writer", ["torch.save", "synpref.reward.watch.save_course"])
def test_no_space_for_a_checkpoint_leaves_the_one_before(
    writer: str, folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = train(folders, tiny_bert, tmp_path / "whole")
    stopped_while_sealing(2, folders, tiny_bert, tmp_path / "models", monkeypatch)  # step 6 is whole
    with monkeypatch.context() as patch:
        patch.setattr(writer, no_space)
        with pytest.raises(InputError, match=r"checkpoint-12: .*No space left.* goes on from the checkpoint of step 6"):
            train(folders, tiny_bert, tmp_path / "models")
    model, told = train(folders, tiny_bert, tmp_path / "models")
    assert any("goes on from the checkpoint of step 6" in line for line in told)
    assert same_weights(model, whole)


def test_no_space_for_features_leaves_the_checkpoints(
    folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    stopped_while_sealing(2, folders, tiny_bert, models, monkeypatch)  # step 6 is whole
    shutil.rmtree(tmp_path / "features")
    before = checkpoints_in(models)
    with monkeypatch.context() as patch:
        patch.setattr("numpy.lib.format.write_array_header_1_0", no_space)
        with pytest.raises(InputError, match=r"features could not be written .* goes on from its last checkpoint"):
            train(folders, tiny_bert, models)
    assert checkpoints_in(models) == before
    _, told = train(folders, tiny_bert, models)
    assert any("goes on from the checkpoint of step 6" in line for line in told)


def no_space_for_tensors(*_: object, **__: object) -> None:
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize("failing", [no_space, no_space_for_tensors])
def test_no_space_for_the_model_leaves_its_checkpoints(
    failing: Callable[..., None], folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    with monkeypatch.context() as patch:
        patch.setattr("transformers.modeling_utils.safe_save_file", failing)
        with pytest.raises(InputError, match=r"models/[0-9a-f]{32}: the model could not be written .*No space left"):
            train(folders, tiny_bert, models)
    assert [path.name for path in models.iterdir()] == [FOLDER]
    _, told = train(folders, tiny_bert, models)
    assert any("goes on from the checkpoint of step 18" in line for line in told)


def test_no_space_for_the_tensors_of_a_checkpoint_is_told(
    folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synpref.reward.course.save_file", no_space_for_tensors)
    with pytest.raises(InputError, match=r"checkpoint-6: the checkpoint could not be written .*No space left"):
        train(folders, tiny_bert, tmp_path / "models")


def test_a_full_disk_is_told(folders: Folders, tiny_bert: Path, tmp_path: Path) -> None:
    """A real file system too small for a checkpoint, where this user may make one."""
    models = tmp_path / "models"
    models.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(models)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user cannot mount a file system of its own")
    try:
        with pytest.raises(InputError, match="the checkpoint could not be written"):
            train(folders, tiny_bert, models)
    finally:
        subprocess.run(["umount", str(models)], check=True)


@pytest.mark.parametrize(("step", "left"), [(6, []), (12, ["checkpoint-6"])])
def test_weights_that_are_no_numbers_are_not_sealed(
    step: int, left: list[str], folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of that step is a number, its gradient is not, and nobody looks at it: looks are at 5, 10 and 15."""
    models = tmp_path / "models"
    with monkeypatch.context() as patch:
        patch.setattr(StepTrainer, "training_step", without_gradient_at(step))
        with pytest.raises(EngineError, match=f"broke off at step {step}: its gradient left weights that are no num"):
            train(folders, tiny_bert, models)
    assert checkpoints_in(models) == left
    assert same_weights(train(folders, tiny_bert, models)[0], train(folders, tiny_bert, tmp_path / "whole")[0])


def without_gradient_at(step: int) -> Callable[..., torch.Tensor]:
    whole = StepTrainer.training_step

    def training_step(self: StepTrainer, model: torch.nn.Module, inputs: Any, count: Any = None) -> torch.Tensor:
        loss = whole(self, model, inputs, count)
        for weight in model.parameters():
            if self.state.global_step + 1 == step and weight.grad is not None:
                weight.grad.fill_(float("inf"))
        return loss

    return training_step


def test_another_rhythm_of_checkpoints_is_the_same_training(
    folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = train(folders, tiny_bert, tmp_path / "whole", dataclasses.replace(PLAN, checkpoint_every=None))
    assert not (tmp_path / "whole" / FOLDER).exists()
    stopped_while_sealing(2, folders, tiny_bert, tmp_path / "models", monkeypatch)
    model, told = train(folders, tiny_bert, tmp_path / "models", dataclasses.replace(PLAN, checkpoint_every=7))
    assert any("goes on from the checkpoint of step 6" in line for line in told)
    assert same_weights(model, whole)


def test_a_course_is_read_as_it_was_written(tmp_path: Path) -> None:
    course = Course(
        history=[{"step": 5, "loss": 0.1 + 0.2, "validation_accuracy": None}],
        best_step=5,
        best_accuracy=0.75,
        best_state={"a": torch.tensor([0.1])},
        losses=[1 / 3],
        seen=[3.0, 0.1, 0.7, 1.5],
        widest=0.5,
        warnings={"margins": "step 5: they collapse"},
    )
    save_course(course, tmp_path)
    assert load_course(tmp_path) == course
    assert load_course(tmp_path).losses == [1 / 3]
    assert load_course(tmp_path, best=False) == dataclasses.replace(course, best_state=None)


@pytest.mark.parametrize("version", [None, 1])
def test_another_order_of_many_prompts_is_told(
    version: int | None, folders: Folders, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a checkpoint from before there were versions; where prompts are few it says nothing of them."""
    stopped_while_sealing(3, folders, tiny_bert, tmp_path / "few", monkeypatch)
    courses = [json.loads(file.read_text()) for file in (tmp_path / "few").rglob("course.json")]
    assert ["order" in course for course in courses] == [False] * 2
    monkeypatch.setattr(graph, "SHUFFLED_AT_ONCE", 10)
    with monkeypatch.context() as patch:
        patch.setattr(graph, "ORDER", version)
        stopped_while_sealing(3, folders, tiny_bert, tmp_path / "models", monkeypatch)
    with pytest.raises(InputError, match=r"checkpoint-12: begun by another version .*order of the prompts.*begin anew"):
        train(folders, tiny_bert, tmp_path / "models")
    with monkeypatch.context() as patch:
        patch.setattr(graph, "ORDER", version)
        _, told = train(folders, tiny_bert, tmp_path / "models")
    assert any("goes on from the checkpoint of step 12" in line for line in told)


def test_no_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert latest(tmp_path / "none") is None
    (tmp_path / "checkpoint-3").mkdir()
    told: list[str] = []
    assert latest(tmp_path, told.append) is None
    assert "checkpoint-3 is passed over" in told[0]
    assert not any(tmp_path.iterdir())
    shutil.rmtree(tmp_path)


def test_a_checkpoint_of_other_weights_is_told(folders: Folders, tiny_bert: Path, tmp_path: Path) -> None:
    killed_at("step 20 of 24", folders, tiny_bert, tmp_path / "models")
    (folder,) = (tmp_path / "models" / FOLDER).iterdir()
    for checkpoint in sorted(folder.glob("checkpoint-*")):
        weights = load_file(checkpoint / "model.safetensors")
        save_file(
            {name.replace("classifier", "head"): one for name, one in weights.items()}, checkpoint / "model.safetensors"
        )
        seal(checkpoint)
    with pytest.raises(
        InputError, match=r"checkpoint-18: begun by another version .*other weights.*remove .* to begin anew"
    ):
        train(folders, tiny_bert, tmp_path / "models")


def test_a_backbone_that_drops_nothing_makes_one_model_either_way(
    folders: Folders, tiny_bert: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    plans = [dataclasses.replace(PLAN, checkpoint_every=None, dropout=dropout) for dropout in (True, False)]
    llama = [train(folders, tiny_llama, tmp_path / "llama", plan)[0] for plan in plans]
    assert llama[0].model_id == llama[1].model_id
    bert = [train(folders, tiny_bert, tmp_path / "bert", plan)[0] for plan in plans]
    assert bert[0].model_id != bert[1].model_id
    assert not same_weights(*bert)
    for model in bert:  # the configuration is the backbone's either way
        assert json.loads((model.path / "config.json").read_text())["hidden_dropout_prob"] == 0.1
