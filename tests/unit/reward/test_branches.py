"""Responses to one prompt in one row: loss, gradients and model of rows by themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    AutoModelForSequenceClassification,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from synpref.reward.branches import LEAST, LONGEST, Family, branched, can_branch, families
from synpref.reward.graph import Batch
from synpref.reward.passes import Stored, load_batch
from synpref.reward.plan import TrainingPlan
from synpref.reward.training import train_reward_model
from synpref.reward.upper import PairwiseLoss, Upper, packing
from tests.unit.reward.conftest import BAD, FILLER, GOOD, WriteFolder
from tests.unit.reward.test_packing import CPU, made

MakeConfig = Callable[..., PreTrainedConfig]
DECODERS: list[MakeConfig] = [LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config, GemmaConfig]
PROMPT = " ".join(FILLER * 3)


def long_prompts(prompts: int) -> list[tuple[str, str, str]]:
    """Two comparisons of three answers a prompt, which is longer than they are."""
    pairs = []
    for number in range(prompts):
        begin = f"{PROMPT} {FILLER[number % len(FILLER)]} {FILLER[number // len(FILLER)]}"
        pairs += [(begin, GOOD[0], BAD[number % 4]), (begin, GOOD[0], f"{BAD[0]} {GOOD[1]}")]
    return pairs


@pytest.fixture
def folder(write_folder: WriteFolder) -> Path:
    return write_folder("train", long_prompts(8))


def decoder(make: MakeConfig, **more: object) -> Any:
    torch.manual_seed(2)
    config = make(
        vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        intermediate_size=48, max_position_embeddings=128, pad_token_id=0, num_labels=1, sliding_window=None, **more,
    )  # fmt: skip
    build: Any = AutoModelForSequenceClassification  # transformers leaves from_config untyped
    return build.from_config(config, attn_implementation="sdpa")


@pytest.mark.parametrize("make", DECODERS)
def test_a_branch_has_the_reward_and_the_gradient_of_its_row_alone(make: MakeConfig) -> None:
    model = decoder(make)
    assert can_branch(model)
    upper = Upper(model, decoder=True, from_states=False)
    draw = np.random.default_rng(0)
    begun = [draw.integers(1, 64, size) for size in (20, 33)]
    rows = [np.concatenate([begin, draw.integers(1, 64, size)])[:, None] for begin in begun for size in (1, 9, 4)]
    shared = [Family([2, 0, 1], 20), Family([3, 5], 33)]
    places = [place for family in shared for place in family.members]

    def rewards_and_gradients(found: torch.Tensor) -> list[torch.Tensor]:
        weighted = (found * torch.arange(1, len(found) + 1)).sum()
        return [found, *torch.autograd.grad(weighted, list(model.parameters()), allow_unused=True)]

    together = rewards_and_gradients(upper(*branched(rows, shared)))
    alone = rewards_and_gradients(
        torch.cat(
            [
                upper(torch.from_numpy(rows[place])[None], torch.ones(1, len(rows[place]), dtype=torch.long))
                for place in places
            ]
        )
    )
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert float(together[0].detach().std()) > 0


def test_who_cannot_branch(tiny_bert: Path) -> None:
    assert not can_branch(AutoModelForSequenceClassification.from_pretrained(tiny_bert, num_labels=1))
    window = decoder(MistralConfig)
    window.config.sliding_window = 8
    assert not can_branch(window)
    both_ways = decoder(LlamaConfig)
    both_ways.config.is_causal = False
    assert not can_branch(both_ways)
    eager = decoder(LlamaConfig)
    eager.set_attn_implementation("eager")
    assert not can_branch(eager)


def test_rows_that_begin_alike_are_a_family_and_each_keeps_a_token_of_its_own() -> None:
    begin = list(range(100, 140))
    rows = [[*begin, 1, 2], [7, 8, 9], begin, [*begin, 1, 3, 4], [*begin[: LEAST - 1], 5], [*begin, 9]]
    (family,) = families([np.array(row, np.int32) for row in rows], width=64)
    assert sorted(family.members) == [0, 2, 3, 5]
    assert family.shared == len(begin) - 1  # row 2 is the beginning itself
    # a beginning that two share longer is not given up for a third that shares little of it
    rows = [[*begin, 1], [*begin, 2], [*begin[: LEAST + 1], 3]]
    (family,) = families([np.array(row, np.int32) for row in rows], width=64)
    assert (sorted(family.members), family.shared) == ([0, 1], len(begin))


def test_a_row_of_several_is_bounded() -> None:
    rows = [np.array([*range(LONGEST // 2), place, *[1] * (LONGEST // 3)], np.int32) for place in range(4)]
    found = families(rows, width=64)
    assert found == []  # no two of them fit
    short = [row[: LONGEST // 2 + 100] for row in rows]
    (family,) = families(short, width=64)
    assert len(family.members) == 4


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), min_size=1, max_size=12), st.integers(0, 60))
def test_every_row_is_in_one_family_at_most_and_shares_what_it_says(drawn: list[tuple[int, int]], begun: int) -> None:
    rows = [np.array([who] * begun + [9 + place] * size, np.int32) for place, (who, size) in enumerate(drawn)]
    found = families(rows, width=64)
    places = [place for family in found for place in family.members]
    assert len(places) == len(set(places))
    for family in found:
        assert family.shared >= LEAST
        begins = {tuple(rows[place][: family.shared]) for place in family.members}
        assert len(begins) == 1
        assert all(len(rows[place]) > family.shared for place in family.members)


def test_a_batch_in_branches_has_the_loss_and_gradients_of_a_padded_one(
    folder: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    upper, stored, batch = made(folder, tiny_llama, tmp_path / "features", None, 64)
    model = PairwiseLoss(upper)
    weights = list(model.parameters())

    def gradients() -> tuple[float, int, list[torch.Tensor]]:
        rows = load_batch(stored, batch, upper, CPU)
        tokens = sum(part.shape[0] * part.shape[1] for part in rows["rows"])
        loss = model(**rows)["total"]
        return loss.item(), tokens, list(torch.autograd.grad(loss, weights))

    loss, padded_tokens, padded = gradients()
    with packing(upper, CPU, bfloat16=False):
        assert upper.branches
        shared_loss, tokens, shared = gradients()
    assert tokens < 0.5 * padded_tokens
    assert shared_loss == pytest.approx(loss, rel=1e-5)
    for one, other in zip(shared, padded, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_products_in_half_precision_branch_as_well(folder: Path, tiny_llama: Path, tmp_path: Path) -> None:
    upper, stored, batch = made(folder, tiny_llama, tmp_path / "features", None, 64)
    model = PairwiseLoss(upper, bfloat16=True)
    padded = model(**load_batch(stored, batch, upper, CPU))["total"].item()
    with packing(upper, CPU, bfloat16=True):
        rows = load_batch(stored, batch, upper, CPU)
        assert {mask.dim() for mask in rows["mask"]} == {3}
        assert model(**rows)["total"].item() == pytest.approx(padded, rel=0.02)


def test_a_training_that_branches_makes_the_model_of_one_that_does_not(
    folder: Path, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = TrainingPlan(
        steps=6, responses_per_step=16, learning_rate=1e-3, trainable_layers=None, max_tokens=64, evaluate_every=3
    )
    used: list[int] = []

    def watched(stored: Stored, batch: Batch, upper: Upper, *rest: Any, **more: Any) -> dict[str, Any]:
        found = load_batch(stored, batch, upper, *rest, **more)
        used.append(max(mask.dim() for mask in found["mask"]))
        return found

    monkeypatch.setattr("synpref.reward.trainer.load_batch", watched)
    found = []
    for name in ("branched", "whole"):
        if name == "whole":
            monkeypatch.setattr("synpref.reward.upper.can_branch", lambda _: False)
        found.append(
            train_reward_model(
                folder, backbone=tiny_llama, models_dir=tmp_path / name, features_dir=tmp_path / "features",
                validation=folder, settings=dataclasses.replace(plan), name="a model",
            )
        )  # fmt: skip
    assert used == [3] * 6 + [2] * 6
    losses = [[step["loss"] for step in one.history] for one in found]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_processes_of_a_sharded_model_make_one_pass_each(folder: Path, tiny_llama: Path, tmp_path: Path) -> None:
    upper, stored, batch = made(folder, tiny_llama, tmp_path / "features", None, 64)
    with packing(upper, CPU, bfloat16=False):
        rows = load_batch(stored, batch, upper, CPU, at_once=True)
    assert [mask.dim() for mask in rows["mask"]] == [2]
