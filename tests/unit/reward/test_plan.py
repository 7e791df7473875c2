"""What a training plan refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from accelerate.utils import FullyShardedDataParallelPlugin
from torch.distributed.fsdp import StateDictType
from transformers import get_scheduler
from transformers.training_args import ParallelMode

from synpref.config import load_settings
from synpref.errors import SettingsError
from synpref.flow.specs import training_plan
from synpref.reward import trainer
from synpref.reward.model_folder import model_identity
from synpref.reward.plan import Layout, TrainingPlan


def test_the_defaults_with_a_number_of_steps_are_fine() -> None:
    TrainingPlan(steps=1).check()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("responses_per_step", 1),
        ("tokens_per_step", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("warmup_share", 1.0),
        ("warmup_share", -0.1),
        ("weight_decay", -1.0),
        ("trainable_layers", 0),
        ("schedule", "cosine"),
        ("max_tokens", 0),
        ("evaluate_every", 0),
        ("epochs", 1.0),
        ("pairs_per_step", 0),
        ("checkpoint_every", 0),
        ("dtype", "float16"),
    ],
)
def test_a_value_that_no_training_can_use_is_named(name: str, value: Any) -> None:  # of any field's type, or of none
    plan = dataclasses.replace(TrainingPlan(steps=5), **{name: value})
    with pytest.raises(SettingsError, match=f"{name} is"):
        plan.check()


@pytest.mark.parametrize("epochs", [0.0, -1.0, float("nan"), float("inf")])
def test_epochs_are_above_nothing(epochs: float) -> None:
    with pytest.raises(SettingsError, match="epochs is"):
        TrainingPlan(epochs=epochs).check()


def test_the_optimiser_is_named_whatever_the_library_takes_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(trainer, "StepArguments", lambda **words: given.update(words))
    trainer.training_arguments(TrainingPlan(steps=3), 3, tmp_path, Layout())
    told = {"optim": "adamw_torch_fused", "adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8}
    assert told | {"max_grad_norm": 1.0} == {name: given[name] for name in (*told, "max_grad_norm")}


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that seems to have two."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)  # what is left of them is the device that was seen


@pytest.mark.usefixtures("two_gpus")
def test_one_process_trains_on_one_gpu_of_several(tmp_path: Path) -> None:
    arguments = trainer.training_arguments(TrainingPlan(steps=3), 3, tmp_path, Layout())
    assert str(arguments.device) == "cuda:0"
    assert arguments.n_gpu == 1
    assert arguments.parallel_mode == ParallelMode.NOT_PARALLEL


def test_fsdp_shares_out_all_layer_by_layer_and_saves_whole_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSDP_CPU_RAM_EFFICIENT_LOADING", "false")  # accelerate writes it
    plan, layers = TrainingPlan(steps=3), ["BertLayer", "FirstTokenLayer"]
    given: dict[str, Any] = {}
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr(trainer, "StepArguments", lambda **words: given.update(words))
        trainer.training_arguments(plan, 3, tmp_path, Layout(1, "fsdp"), layers)
        assert "fsdp" not in given
        trainer.training_arguments(plan, 3, tmp_path, Layout(2, "fsdp"), layers)
    told = {name: given[name] for name in ("fsdp", "fsdp_config")}
    plugin: Any = trainer.StepArguments(output_dir=str(tmp_path), use_cpu=True, **told).fsdp_plugin_args
    shards = FullyShardedDataParallelPlugin(**plugin)
    assert shards.fsdp_version == 2
    assert shards.reshard_after_forward is True  # weights too, not gradients and moments alone
    assert shards.transformer_cls_names_to_wrap == layers
    assert shards.state_dict_type is StateDictType.FULL_STATE_DICT
    assert not shards.cpu_ram_efficient_loading  # each process has read the weights


def test_fsdp_without_a_gpu_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="strategy is fsdp, which accelerate has for GPUs only; set ddp or zero1"):
        trainer.training_arguments(TrainingPlan(steps=3), 3, tmp_path, Layout(2, "fsdp"))


@pytest.mark.parametrize(
    ("recipe", "rates"),
    [
        # up from 0 by 1e-6 / 3 in each of the first three steps of a hundred (3 %), down to 0 by 1e-6 / 97 in the rest
        ("development", {0: 0.0, 1: 1e-6 / 3, 3: 1e-6, 50: 1e-6 * 50 / 97, 99: 1e-6 / 97, 100: 0.0}),
        ("final", {0: 3e-6, 1: 3e-6, 3: 3e-6, 50: 3e-6, 99: 3e-6, 100: 3e-6}),
    ],
)
def test_the_rates_of_the_paper_s_two_recipes(recipe: str, rates: dict[int, float], tmp_path: Path) -> None:
    """paper.md §4: 1e-6 for 8B with a warm-up and a linear decay, and a constant 3e-6."""
    settings = load_settings(["local"], ["train.preset=qwen3-8b", f"train.recipe={recipe}"])
    arguments = trainer.training_arguments(training_plan(settings, 0), 100, tmp_path, Layout())
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], lr=arguments.learning_rate)
    schedule = get_scheduler(arguments.lr_scheduler_type, optimizer, int(arguments.warmup_steps), arguments.max_steps)
    found = {}
    for step in range(101):
        found[step] = optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
    assert {step: found[step] for step in rates} == pytest.approx(rates, rel=1e-9)


def test_a_constant_rate_may_have_a_warm_up(tmp_path: Path) -> None:
    plan = TrainingPlan(steps=40, schedule="constant", warmup_share=0.1)
    arguments = trainer.training_arguments(plan, 40, tmp_path, Layout())
    assert (arguments.lr_scheduler_type, arguments.warmup_steps) == ("constant_with_warmup", 4)


def test_neither_steps_nor_epochs_is_refused() -> None:
    with pytest.raises(SettingsError, match="steps is None and epochs is None"):
        TrainingPlan().check()


@pytest.mark.parametrize(("name", "value"), [("processes", 0), ("strategy", "zero3")])
def test_a_layout_that_cannot_be_is_named(name: str, value: Any) -> None:
    Layout(processes=2, strategy="fsdp").check()
    with pytest.raises(SettingsError, match=f"{name} is"):
        dataclasses.replace(Layout(), **{name: value}).check()


def test_models_of_before_keep_their_identity() -> None:
    """The ids that these plans had before a plan knew of epochs, global batches, precision and checkpoints."""
    other = TrainingPlan(steps=7, tokens_per_step=100, trainable_layers=None, seed=3)
    assert model_identity("rows", TrainingPlan(steps=20), "backbone", None) == "92df6d7b04f5fc5b7db06796b0e2bc84"
    assert model_identity("rows", other, "backbone", "held out") == "fee276774bb38332cb30ce56a349618d"


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("pairs_per_step", 8, False),
        ("dtype", "bfloat16", False),
        ("dropout", False, False),
        ("gradient_checkpointing", True, True),
        ("checkpoint_every", 5, True),
    ],
)
def test_what_changes_the_model_changes_its_identity(name: str, value: Any, same: bool) -> None:
    plan = TrainingPlan(steps=20)
    other = dataclasses.replace(plan, **{name: value})
    assert (model_identity("rows", plan, "b", None) == model_identity("rows", other, "b", None)) is same


def test_epochs_are_another_model_than_steps() -> None:
    ids = {model_identity("rows", TrainingPlan(epochs=epochs), "b", None) for epochs in (1, 2, 2.5)}
    assert len(ids) == 3


def test_a_precision_that_was_not_measured_has_no_identity() -> None:
    with pytest.raises(SettingsError, match="dtype is null"):
        model_identity("rows", TrainingPlan(steps=1, dtype=None), "b", None)
