"""Adding up micro-batches: the step that results is that of the whole batch at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from synpref.reward.backbones import load_classifier, load_tokenizer
from synpref.reward.course import Course
from synpref.reward.extraction import FeatureKind, Source, fill_features, open_features
from synpref.reward.graph import Batch, Limits
from synpref.reward.model_folder import TrainedModel
from synpref.reward.passes import Stored, length_groups, load_batch, score
from synpref.reward.plan import Layout, Strategy, TrainingPlan
from synpref.reward.rows import Comparisons, read_comparisons, read_responses
from synpref.reward.steps import Step, split, steps
from synpref.reward.trainer import StepDataset, StepTrainer, training_arguments
from synpref.reward.training import train_reward_model
from synpref.reward.upper import PairwiseLoss, Upper, cut_model

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]

PLAN = TrainingPlan(
    steps=4, responses_per_step=200, learning_rate=1e-3, trainable_layers=None, max_tokens=32, evaluate_every=2
)


@pytest.fixture
def folder(write_folder: WriteFolder, learnable: MakeRows) -> Path:
    return write_folder("train", learnable(20, 0))  # 80 comparisons, 80 responses


@pytest.fixture
def train(folder: Path, still_bert: Path, tmp_path: Path) -> Callable[..., TrainedModel]:
    def trained(**changed: Any) -> TrainedModel:
        return train_reward_model(
            folder,
            backbone=still_bert,
            models_dir=tmp_path / "models",
            features_dir=tmp_path / "features",
            validation=folder,
            settings=dataclasses.replace(PLAN, **changed),
            name="a model",
        )

    return trained


def gradients_of(
    folder: Path, backbone: Path, features: Path, step: Callable[[Comparisons], Step], strategy: Strategy = "ddp"
) -> list[torch.Tensor]:
    """What one training step leaves in the gradients of all weights."""
    tokenizer = load_tokenizer(backbone)
    kind = FeatureKind("tiny", None, 32, "truncate_left")
    store = open_features(features, kind)
    fill_features(Source(store, kind, backbone, tokenizer), read_responses(folder))
    rows = read_comparisons(folder)
    torch.manual_seed(0)
    model = PairwiseLoss(cut_model(load_classifier(backbone, tokenizer), None, backbone).upper)
    arguments = training_arguments(PLAN, 1, features, Layout())
    nothing = StepDataset(lambda: iter([]))
    trainer = StepTrainer(nothing, Stored.of(store, rows.response_ids), Course(), strategy, model=model, args=arguments)
    loss = trainer.training_step(model, {"step": step(rows)})
    return [loss, *(weight.grad for weight in model.parameters() if weight.grad is not None)]


def test_the_gradient_of_micro_batches_is_that_of_the_whole_batch(
    folder: Path, still_bert: Path, tmp_path: Path
) -> None:
    found = []
    for responses, tokens in ((200, 10_000), (9, 10_000), (200, 70)):

        def step(rows: Comparisons, responses: int = responses, tokens: int = tokens) -> Step:
            limits = Limits(responses, tokens, np.full(len(rows.response_ids), 12))
            return next(steps(rows, limits, 0, 80))

        found.append(gradients_of(folder, still_bert, tmp_path, step))
    whole, *others = found
    assert len(whole) > 40
    for other in others:
        furthest = max(float((a - b).detach().abs().max()) for a, b in zip(whole, other, strict=True))
        assert furthest < 1e-6


def cut_in_three(rows: Comparisons) -> Step:
    """All 80 comparisons, 30 and 30 and 20."""
    (whole,) = next(steps(rows, Limits(200, 10_000, np.full(len(rows.response_ids), 12)), 0, 80)).parts
    first, rest = split(whole, 30)
    return Step([first, *split(rest, 30)], 80)


@pytest.mark.parametrize(("strategy", "exchanges"), [("ddp", 1), ("zero1", 1), ("fsdp", 3)])
def test_gradients_are_exchanged_once_a_step_and_by_fsdp_in_each_micro_batch(
    strategy: Strategy, exchanges: int, folder: Path, still_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsdp would keep them whole meanwhile; what they add up to is the same."""
    held_back: list[str] = []
    whole = Accelerator.no_sync

    def no_sync(self: Accelerator, model: nn.Module) -> AbstractContextManager[None]:
        held_back.append(type(model).__name__)
        held: AbstractContextManager[None] = whole(self, model)
        return held

    monkeypatch.setattr(Accelerator, "no_sync", no_sync)
    found = gradients_of(folder, still_bert, tmp_path, cut_in_three, strategy)
    assert held_back == ["PairwiseLoss"] * (3 - exchanges)
    plain = gradients_of(folder, still_bert, tmp_path, cut_in_three)
    assert max(float((a - b).detach().abs().max()) for a, b in zip(plain, found, strict=True)) < 1e-6


def test_the_course_of_a_training_does_not_depend_on_how_its_steps_are_cut(
    train: Callable[..., TrainedModel],
) -> None:
    whole = train(pairs_per_step=80)
    cut = [train(pairs_per_step=80, responses_per_step=9), train(pairs_per_step=80, tokens_per_step=70)]
    assert len({model.model_id for model in (whole, *cut)}) == 3
    for model in cut:
        for entry, other in zip(whole.history, model.history, strict=True):
            assert entry["loss"] == pytest.approx(other["loss"], abs=1e-4)  # Adam blows up what rounding leaves


class OneWeight(Upper):
    """A reward that is a weight times a number."""

    def __init__(self) -> None:
        super(Upper, self).__init__()  # without a model
        self.weight = nn.Parameter(torch.tensor(0.7))

    def forward(self, rows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.weight * rows[:, 0, 0]

    def slope(self) -> float:
        assert self.weight.grad is not None
        return float(self.weight.grad)


def test_micro_batches_of_unequal_size_weigh_what_they_hold() -> None:
    numbers = np.array([0.3, -1.0, 2.0, 0.5])
    whole = Batch(np.arange(4), np.array([0, 2, 3, 0, 1]), np.array([1, 1, 2, 3, 3]))
    step = Step([*split(whole, 1)], 5)
    gradients = []
    for parts in ([whole], step.parts):
        one = OneWeight()
        model = PairwiseLoss(one)
        for part in parts:
            rows = torch.tensor(numbers[part.responses], dtype=torch.float32)[:, None, None]
            chosen, rejected = torch.from_numpy(part.chosen), torch.from_numpy(part.rejected)
            (model([rows], [rows], chosen, rejected)["total"] / 5).backward()
        gradients.append(one.slope())
    margins = numbers[whole.responses[whole.chosen]] - numbers[whole.responses[whole.rejected]]
    by_hand = float(np.mean(-margins / (1 + np.exp(0.7 * margins))))
    assert gradients == pytest.approx([by_hand, by_hand], abs=1e-6)


def test_a_micro_batch_without_comparisons_moves_nothing() -> None:
    one = OneWeight()
    model = PairwiseLoss(one)
    rows, none = torch.ones(2, 1, 1), torch.tensor([], dtype=torch.long)
    found = model([rows], [rows], none, none)
    found["total"].backward()
    assert (found["loss"].item(), one.slope()) == (0.0, 0.0)


def test_epochs_are_turned_into_steps(train: Callable[..., TrainedModel]) -> None:
    model = train(steps=None, epochs=1.5, pairs_per_step=30)  # 3 steps a pass
    assert [entry["step"] for entry in model.history] == [2, 4, 5]
    assert model.plan.epochs == 1.5


def test_split_prompts_are_counted_and_told(train: Callable[..., TrainedModel]) -> None:
    assert train(responses_per_step=3).rows["prompts_split"] == 20
    assert train(responses_per_step=4).rows["prompts_split"] == 0


def test_passes_hold_responses_of_like_length() -> None:
    lengths = [10, 100, 90, 12, 11, 85, 40]
    assert length_groups(lengths, full=1) == [[1, 2, 5], [6], [3, 4, 0]]
    assert length_groups(lengths, full=10_000) == [[1, 2, 5, 6, 3, 4, 0]]


def test_a_batch_in_passes_keeps_its_comparisons(tmp_path: Path) -> None:
    from synpref.reward.features import FeatureStore

    store = FeatureStore(tmp_path)
    sizes = [40, 700, 30, 600, 20]
    store.append(
        [str(i) for i in range(5)], [np.full((size, 1), i, np.float32) for i, size in enumerate(sizes)], [False] * 5
    )
    stored = Stored.of(store, [str(i) for i in range(5)])
    batch = Batch(np.array([0, 1, 2, 4]), np.array([0, 1, 3]), np.array([1, 2, 0]))  # 0>1, 1>2, 4>0
    told = load_batch(stored, batch, OneWeight(), torch.device("cpu"))
    rows = torch.cat([part[:, 0, 0] for part in told["rows"]])
    assert rows[told["chosen"]].tolist() == [0, 1, 4]
    assert rows[told["rejected"]].tolist() == [1, 2, 0]
    assert sum(part.shape[0] * part.shape[1] for part in told["mask"]) < 4 * 700
    assert score(PairwiseLoss(OneWeight()), stored).tolist() == pytest.approx([0.0, 0.7, 1.4, 2.1, 2.8])
    halves = [score(PairwiseLoss(OneWeight()), stored, rank, 2) for rank in range(2)]
    assert (halves[0] + halves[1]).tolist() == pytest.approx([0.0, 0.7, 1.4, 2.1, 2.8])
