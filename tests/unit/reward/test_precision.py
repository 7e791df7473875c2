"""Number formats and recomputed activations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from synpref.engines.device import DtypeChoice, decide_dtype
from synpref.reward import precision, training
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import Precision, TrainingPlan
from synpref.reward.training import train_reward_model
from synpref.reward.upper import PairwiseLoss

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]
Train = Callable[..., TrainedModel]

OPEN = TrainingPlan(steps=1, dtype=None)


@pytest.fixture
def train(write_folder: WriteFolder, learnable: MakeRows, tmp_path: Path) -> Train:
    folder = write_folder("train", learnable(20, 0))

    def trained(backbone: Path, told: list[str] | None = None, **changed: Any) -> TrainedModel:
        plan = TrainingPlan(steps=4, learning_rate=1e-3, max_tokens=32, trainable_layers=2, evaluate_every=2)
        return train_reward_model(
            folder,
            backbone=backbone,
            models_dir=tmp_path / "models",
            features_dir=tmp_path / "features",
            validation=folder,
            settings=dataclasses.replace(plan, **changed),
            name="a model",
            progress=None if told is None else told.append,
        )

    return trained


def measured(monkeypatch: pytest.MonkeyPatch, dtype: str) -> list[str]:
    asked: list[str] = []

    def choose() -> DtypeChoice:
        asked.append(dtype)
        return DtypeChoice(dtype, "bfloat16", 2.5)

    monkeypatch.setattr(precision, "choose_training_dtype", choose)
    return asked


@pytest.mark.parametrize("faster", ["bfloat16", "float32"])
def test_an_open_format_is_measured(faster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, faster)
    told: list[str] = []
    assert precision.settled(OPEN, lambda plan: False, told.append).dtype == faster
    assert told == [f"training computes in {faster}: bfloat16 trains 2.50 x as fast as float32 here"]


def test_what_is_measured_is_a_step_of_training_in_both_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients of float32 weights: the same layer, its products in float32 and in bfloat16."""
    seen: list[tuple[torch.dtype, bool]] = []

    def ratio(plain: Callable[[], None], other: Callable[[], None], seconds: float) -> float:
        assert seconds <= 0.5
        for run in (plain, other):
            with monkeypatch.context() as patch:
                patch.setattr(torch.nn.Linear, "forward", looked_at(seen))
                run()
        return 1.3

    monkeypatch.setattr(precision, "speed_ratio", ratio)
    before = torch.random.get_rng_state()
    assert precision.choose_training_dtype("cpu") == DtypeChoice("bfloat16", "bfloat16", 1.3)
    assert torch.equal(torch.random.get_rng_state(), before)  # a training that follows draws what it drew before
    assert set(seen) == {(torch.float32, True), (torch.bfloat16, True)}


def looked_at(seen: list[tuple[torch.dtype, bool]]) -> Callable[..., torch.Tensor]:
    whole = torch.nn.Linear.forward

    def forward(self: torch.nn.Linear, given: torch.Tensor) -> torch.Tensor:
        found = whole(self, given)
        seen.append((found.dtype, self.weight.dtype == torch.float32 and found.requires_grad))
        return found

    return forward


def test_it_takes_a_moment_on_the_device_at_hand() -> None:
    choice = precision.choose_training_dtype("cpu")
    assert choice.ratio > 0
    assert choice.dtype == decide_dtype("bfloat16", choice.ratio)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_was_begun_in_one_format_stays_in_it(dtype: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = measured(monkeypatch, "float32")
    assert precision.settled(OPEN, lambda plan: plan.dtype == dtype).dtype == dtype
    assert precision.settled(dataclasses.replace(OPEN, dtype=dtype), lambda plan: False).dtype == dtype
    assert not asked


def test_a_measured_format_stands_in_the_model(train: Train, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, "bfloat16")
    model = train(tiny_bert, dtype=None)
    assert model.plan.dtype == "bfloat16"
    measured(monkeypatch, "float32")
    assert train(tiny_bert, dtype=None) == dataclasses.replace(model, reused=True)


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama"])
def test_bfloat16_computes_beside_float32_weights(
    kind: str, train: Train, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[torch.dtype] = set()
    whole = PairwiseLoss.forward

    def forward(self: PairwiseLoss, *args: Any, **options: Any) -> dict[str, torch.Tensor]:
        found = whole(self, *args, **options)
        seen.update(weight.dtype for weight in self.parameters())
        seen.update(weight.grad.dtype for weight in self.parameters() if weight.grad is not None)
        return found

    backbone = request.getfixturevalue(kind)
    full = train(backbone)
    monkeypatch.setattr(PairwiseLoss, "forward", forward)
    half = train(backbone, dtype="bfloat16")
    assert seen == {torch.float32}
    assert half.model_id != full.model_id
    first, second = (load_file(model.path / "model.safetensors") for model in (full, half))
    assert {tensor.dtype for tensor in second.values()} == {torch.float32}
    assert any(not torch.equal(first[name], second[name]) for name in first)
    assert max(float((first[name] - second[name]).abs().max()) for name in first) < 0.02
    for one, other in zip(full.history, half.history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=0.02)


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama"])
@pytest.mark.parametrize("layers", [2, None])
def test_recomputed_activations_give_the_same_model(
    kind: str, layers: int | None, train: Train, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    backbone = request.getfixturevalue(kind)
    with counted_products() as once:
        kept = train(backbone, trainable_layers=layers)
    weights = load_file(kept.path / "model.safetensors")
    kept.path.rename(tmp_path / "kept")  # the same identity: it would be found
    with counted_products() as twice:
        model = train(backbone, trainable_layers=layers, gradient_checkpointing=True)
    assert len(twice) > len(once)
    again = load_file(model.path / "model.safetensors")
    assert model.model_id == kept.model_id
    assert all(torch.allclose(weights[name], again[name], atol=1e-6) for name in weights)


@contextmanager
def counted_products() -> Iterator[list[torch.Size]]:
    """The shapes that linear layers were given."""
    shapes: list[torch.Size] = []
    whole = torch.nn.Linear.forward

    def forward(self: torch.nn.Linear, given: torch.Tensor) -> torch.Tensor:
        shapes.append(given.shape)
        return whole(self, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Linear, "forward", forward)
        yield shapes


def test_engines_that_wait_for_a_task_leave_the_gpu_before_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr(precision, "end_idle_engines", lambda: ended.append("ended"))
    monkeypatch.setattr(precision, "speed_ratio", lambda *_: 1.0 + len(ended))
    monkeypatch.setattr(precision, "_step", lambda *_, **__: None)
    assert precision.choose_training_dtype("cpu").ratio == 1.0
    assert precision.choose_training_dtype("cuda").ratio == 2.0


def test_engines_that_wait_for_a_task_leave_the_gpu_before_a_training(
    train: Train, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended() -> None:
        raise LookupError("idle engines end")

    monkeypatch.setattr(training, "end_idle_engines", ended)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(LookupError, match="idle engines end"):
        train(tiny_bert)
