"""Training a reward model from a snapshot folder."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from synpref.errors import EngineError, InputError, SettingsError
from synpref.reward.model_folder import TrainedModel, read_model
from synpref.reward.plan import TrainingPlan
from synpref.reward.scoring import score_responses
from synpref.reward.training import train_reward_model
from synpref.reward.upper import PairwiseLoss, Upper

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]

PLAN = TrainingPlan(steps=20, responses_per_step=16, learning_rate=3e-3, max_tokens=32, evaluate_every=10)


@pytest.fixture
def folders(write_folder: WriteFolder, learnable: MakeRows) -> tuple[Path, Path]:
    return write_folder("train", learnable(30, 0)), write_folder("validation", learnable(12, 1))


def train(
    folders: tuple[Path, Path | None], backbone: Path, tmp_path: Path, plan: TrainingPlan = PLAN, **options: Any
) -> TrainedModel:
    told = {"features_dir": tmp_path / "features", "models_dir": tmp_path / "models"} | options
    return train_reward_model(
        folders[0], backbone=backbone, validation=folders[1], settings=plan, name="a model", **told
    )


def course(model: TrainedModel, what: str) -> list[float]:
    """One value an evaluation; none is missing."""
    values = [entry[what] for entry in model.history]
    there = [value for value in values if value is not None]
    assert len(there) == len(values)
    return there


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path / "model.safetensors")


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama"])
@pytest.mark.parametrize("layers", [1, 2, None])
def test_a_preference_is_learned(
    kind: str, layers: int | None, folders: tuple[Path, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plan = dataclasses.replace(PLAN, trainable_layers=layers, steps=60, learning_rate=1e-2, evaluate_every=20)
    model = train(folders, request.getfixturevalue(kind), tmp_path, plan)
    assert model.validation_accuracy is not None
    assert model.validation_accuracy > 0.8
    losses = course(model, "loss")
    assert losses[-1] < losses[0]
    assert [entry["step"] for entry in model.history] == [20, 40, 60]


def test_the_loss_is_the_mean_over_comparisons(tiny_bert: Path) -> None:
    class Fixed(Upper):
        def __init__(self) -> None:
            super(Upper, self).__init__()  # without a model

        def forward(self, rows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return rows[:, 0, 0]

    rewards = torch.tensor([2.0, 0.0, -1.0])
    passes = [rewards[:2, None, None], rewards[2:, None, None]]
    found = PairwiseLoss(Fixed())(passes, [rewards] * 2, torch.tensor([0, 1]), torch.tensor([1, 2]))
    expected = -(math.log(1 / (1 + math.exp(-2))) + math.log(1 / (1 + math.exp(-1)))) / 2
    assert found["loss"].item() == pytest.approx(expected)


def test_the_frozen_layers_are_the_backbones_own(folders: tuple[Path, Path], minilm: Path, tmp_path: Path) -> None:
    plan = dataclasses.replace(PLAN, steps=2, learning_rate=1e-3)
    model = train(folders, minilm, tmp_path, plan)
    before, after = weights(minilm), weights(model.path)
    changed = {name for name, weight in before.items() if not torch.equal(weight, after.get(f"bert.{name}", weight))}
    assert changed
    assert all(name.startswith(("encoder.layer.5.", "pooler.")) for name in changed)


def test_the_same_again_is_reused_and_nothing_is_trained(
    folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    first = train(folders, tiny_bert, tmp_path, progress=told.append)
    assert any("step 20 of 20" in line for line in told)
    told.clear()
    again = train(folders, tiny_bert, tmp_path, progress=told.append, features_dir=tmp_path / "other")
    assert again == dataclasses.replace(first, reused=True)
    assert not told
    assert not (tmp_path / "other").exists()


def test_rows_plan_seed_backbone_and_validation_all_change_the_model(
    folders: tuple[Path, Path],
    tiny_bert: Path,
    tiny_llama: Path,
    tmp_path: Path,
    write_folder: WriteFolder,
    learnable: MakeRows,
) -> None:
    short = dataclasses.replace(PLAN, steps=1)
    turned = [(prompt, rejected, chosen) for prompt, chosen, rejected in learnable(30, 0)[:1]]
    other = write_folder("other", turned + learnable(30, 0)[1:])
    ids = [
        train(folders, tiny_bert, tmp_path, short).model_id,
        train(folders, tiny_bert, tmp_path, dataclasses.replace(short, seed=1)).model_id,
        train(folders, tiny_bert, tmp_path, dataclasses.replace(short, weight_decay=0.5)).model_id,
        train(folders, tiny_llama, tmp_path, short).model_id,
        train((other, folders[1]), tiny_bert, tmp_path, short).model_id,
        train((folders[0], other), tiny_bert, tmp_path, short).model_id,
        train((folders[0], None), tiny_bert, tmp_path, short).model_id,
    ]
    assert len(set(ids)) == len(ids)


def test_the_same_seed_gives_the_same_weights(folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    one = train(folders, tiny_bert, tmp_path)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    two = train(folders, tiny_bert, tmp_path, models_dir=tmp_path / "again")
    first, second = weights(one.path), weights(two.path)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = train(folders, tiny_bert, tmp_path, dataclasses.replace(PLAN, seed=1))
    assert not torch.equal(first["classifier.weight"], weights(other.path)["classifier.weight"])


def test_the_kept_checkpoint_is_the_first_of_the_best(
    folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path
) -> None:
    model = train(folders, tiny_bert, tmp_path, dataclasses.replace(PLAN, steps=60, evaluate_every=5))
    scores = course(model, "validation_accuracy")
    assert model.validation_accuracy == max(scores)
    assert model.best_step == model.history[int(np.argmax(scores))]["step"]


def test_the_last_step_is_looked_at_wherever_it_falls(
    folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path
) -> None:
    model = train(folders, tiny_bert, tmp_path, dataclasses.replace(PLAN, steps=12))
    assert [entry["step"] for entry in model.history] == [10, 12]


def test_without_validation_the_last_state_is_kept(folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path) -> None:
    model = train((folders[0], None), tiny_bert, tmp_path)
    assert (model.best_step, model.validation_accuracy) == (20, None)
    assert {entry["validation_accuracy"] for entry in model.history} == {None}


def test_the_record_tells_how_the_model_came_to_be(folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path) -> None:
    model = train(folders, tiny_bert, tmp_path)
    record = json.loads((model.path / "model.json").read_text())
    assert record["plan"]["steps"] == 20
    assert record["rows"] == {
        "comparisons": 120,
        "comparisons_refused": 0,
        "responses": 120,
        "responses_truncated": 0,
        "prompts_split": 0,
        "validation_comparisons": 48,
        "validation_comparisons_refused": 0,
        "validation_responses": 48,
        "validation_responses_truncated": 0,
    }
    assert read_model(model.path) == model
    assert [path.name for path in (tmp_path / "models").iterdir()] == [model.model_id]


def test_models_share_the_features_of_their_backbone(
    folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path
) -> None:
    train(folders, tiny_bert, tmp_path)
    chunks = sorted((tmp_path / "features").rglob("*.npy"))
    told: list[str] = []
    train(folders, tiny_bert, tmp_path, dataclasses.replace(PLAN, seed=5), progress=told.append)
    assert sorted((tmp_path / "features").rglob("*.npy")) == chunks
    assert not any("features" in line for line in told)


def test_too_long_answers_are_cut_or_refused_and_counted(
    write_folder: WriteFolder, tiny_bert: Path, tmp_path: Path
) -> None:
    long = " ".join(["answer"] * 40)
    folder = write_folder("long", [("what", "clear", "rude"), ("what", "clear", long), ("tell", "kind", "odd")])
    plan = dataclasses.replace(PLAN, steps=2)
    cut = train((folder, None), tiny_bert, tmp_path, plan)
    assert (cut.rows["comparisons"], cut.rows["responses_truncated"]) == (3, 1)
    refused = train((folder, None), tiny_bert, tmp_path, dataclasses.replace(plan, overlong="refuse"))
    assert (refused.rows["comparisons"], refused.rows["comparisons_refused"]) == (2, 1)
    only = write_folder("only", [("what", "clear", long)])
    with pytest.raises(InputError, match="every comparison has a response above 32 tokens"):
        train((only, None), tiny_bert, tmp_path, dataclasses.replace(plan, overlong="refuse"))


def test_a_loss_that_is_no_number_stops_the_training(
    folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_bert, broken)
    tensors = weights(broken)
    tensors["encoder.layer.2.output.dense.weight"][0, 0] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineError, match="broke off at step 1: its loss is nan"):
        train(folders, broken, tmp_path)
    assert not list((tmp_path / "models").glob("*"))


def test_a_kill_while_saving_leaves_no_model(
    folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import PreTrainedTokenizerBase

    def killed(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    short = dataclasses.replace(PLAN, steps=1)
    with monkeypatch.context() as patch:
        patch.setattr(PreTrainedTokenizerBase, "save_pretrained", killed)
        with pytest.raises(KeyboardInterrupt):
            train(folders, tiny_bert, tmp_path, short)
    assert not list((tmp_path / "models").glob("*"))
    assert not train(folders, tiny_bert, tmp_path, short).reused


def test_responses_that_are_missing_are_named(folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path) -> None:
    shutil.rmtree(folders[0] / "responses")
    shutil.copytree(folders[1] / "responses", folders[0] / "responses")
    with pytest.raises(InputError, match="120 responses of comparisons are missing"):
        train(folders, tiny_bert, tmp_path)


def test_more_trained_layers_than_there_are_is_a_clear_error(
    folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=r"trainable_layers is 4, .* has 3"):
        train(folders, tiny_bert, tmp_path, dataclasses.replace(PLAN, trainable_layers=4))


def test_no_backbone_is_an_input_error(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        train(folders, tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("model.safetensors", b"no weights", "cannot be loaded|no backbone"),
        ("config.json", b"{", "the model folder is damaged"),
        ("tokenizer.json", b"{", "no tokenizer there"),
        ("model.safetensors", None, "no weights; save the model as safetensors"),
    ],
)
def test_a_damaged_backbone_is_an_input_error_that_names_it(
    folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    damaged = Path(shutil.copytree(tiny_bert, tmp_path / "my backbone"))
    (damaged / name).unlink()
    if content is not None:
        (damaged / name).write_bytes(content)
    with pytest.raises(InputError, match=told) as error:
        train(folders, damaged, tmp_path)
    assert str(damaged) in str(error.value)


def test_a_trained_model_can_be_the_next_backbone(folders: tuple[Path, Path], tiny_bert: Path, tmp_path: Path) -> None:
    first = train(folders, tiny_bert, tmp_path)
    second = train(folders, first.path, tmp_path, dataclasses.replace(PLAN, steps=1))
    assert second.backbone != first.backbone
    assert score_responses(second.path, folders[1], None)
