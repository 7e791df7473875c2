"""Training on rows end to end: loss, gradients and model of padded rows. Attended row by row here, on a GPU by torch.

The GPU is all that is left out: `can_pack` is made to say yes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synpref.engines.packing import ATTENTION
from synpref.reward import passes
from synpref.reward.backbones import load_classifier, load_tokenizer
from synpref.reward.extraction import FeatureKind, Source, fill_features, open_features
from synpref.reward.graph import Batch
from synpref.reward.passes import Stored, load_batch, score
from synpref.reward.plan import TrainingPlan
from synpref.reward.rows import read_comparisons, read_responses
from synpref.reward.training import train_reward_model
from synpref.reward.upper import PairwiseLoss, Upper, cut_model, packing

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]
CPU = torch.device("cpu")

PLAN = TrainingPlan(
    steps=6, responses_per_step=16, learning_rate=1e-3, trainable_layers=None, max_tokens=32, evaluate_every=3
)


@pytest.fixture
def folder(write_folder: WriteFolder, learnable: MakeRows) -> Path:
    return write_folder("train", learnable(8, 0))


@pytest.fixture
def packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synpref.reward.upper.can_pack", lambda *_: True)


def made(
    folder: Path, backbone: Path, features: Path, trained: int | None, max_tokens: int = 32
) -> tuple[Upper, Stored, Batch]:
    """The trained part of a model, its rows, and all comparisons as one batch."""
    kind = FeatureKind("f", None if trained is None else 2, max_tokens, "truncate_left")
    tokenizer = load_tokenizer(backbone)
    torch.manual_seed(3)
    store = open_features(features, kind)
    fill_features(Source(store, kind, backbone, tokenizer), read_responses(folder))
    rows = read_comparisons(folder)
    batch = Batch(np.arange(len(rows.response_ids)), rows.chosen.astype(np.int64), rows.rejected.astype(np.int64))
    upper = cut_model(load_classifier(backbone, tokenizer), trained, backbone).upper
    return upper, Stored.of(store, rows.response_ids), batch


@pytest.mark.parametrize("packed", [False, True])
def test_refused_responses_are_in_no_pass_and_processes_make_equally_many(
    packed: bool, folder: Path, tiny_llama: Path, tmp_path: Path, packs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "SCORING_TOKENS", 40)
    upper, stored, _ = made(folder, tiny_llama, tmp_path / "features", None)
    model = PairwiseLoss(upper)
    seen: list[int] = []
    model.register_forward_pre_hook(lambda *_: seen.append(1))
    held = np.arange(len(stored.places)) % 4 == 1
    few = stored._replace(places=dataclasses.replace(stored.places, length=np.where(held, stored.places.length, 0)))
    none = stored._replace(places=dataclasses.replace(stored.places, length=np.zeros_like(stored.places.length)))
    with packing(upper, CPU, bfloat16=False) if packed else contextlib.nullcontext():
        wanted = np.where(held, score(model, stored), 0)
        shares, counts = [], []
        for rank in range(3):
            seen.clear()
            shares.append(score(model, few, rank, 3))
            counts.append(len(seen))
        assert score(model, few) == pytest.approx(wanted, abs=1e-5)
        assert sum(shares) == pytest.approx(wanted, abs=1e-5)
        assert len(set(counts)) == 1
        assert not score(model, none).any()


@pytest.mark.parametrize("trained", [None, 1])
def test_packed_rows_have_loss_gradients_and_rewards_of_padded_ones(
    trained: int | None, folder: Path, tiny_llama: Path, tmp_path: Path, packs: None
) -> None:
    upper, stored, batch = made(folder, tiny_llama, tmp_path / "features", trained)
    model = PairwiseLoss(upper)
    weights = [weight for weight in model.parameters() if weight.requires_grad]

    def gradients() -> tuple[float, list[torch.Tensor]]:
        loss = model(**load_batch(stored, batch, upper, CPU))["total"]
        found = torch.autograd.grad(loss, weights, allow_unused=True)
        return loss.item(), [one for one in found if one is not None]

    loss, padded = gradients()
    rewards = score(model, stored)
    with packing(upper, CPU, bfloat16=False):
        assert upper.packs
        packed_loss, packed = gradients()
        assert score(model, stored) == pytest.approx(rewards, abs=1e-5)
    assert packed_loss == pytest.approx(loss, rel=1e-5)
    assert len(packed) == len(padded)
    assert max(float((a - b).abs().max()) for a, b in zip(packed, padded, strict=True)) < 1e-4
    assert max(float(a.abs().max()) for a in padded) > 1e-2


def test_a_packed_batch_is_one_pass_without_padding(folder: Path, tiny_llama: Path, tmp_path: Path) -> None:
    upper, stored, batch = made(folder, tiny_llama, tmp_path / "features", None)
    upper.packs = True
    told = load_batch(stored, batch, upper, CPU)
    ((rows,), (lengths,)) = told["rows"], told["mask"]
    assert rows.shape[:2] == (1, int(stored.places.length.sum()))
    assert lengths.tolist() == stored.places.length[batch.responses].tolist()


def test_a_training_that_packs_makes_the_model_of_one_that_pads(
    folder: Path, tiny_llama: Path, tmp_path: Path, packs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[bool] = []

    def watched(stored: Stored, batch: Batch, upper: Upper, *given: Any, **more: Any) -> object:
        used.append(upper.packs)
        return load_batch(stored, batch, upper, *given, **more)

    monkeypatch.setattr("synpref.reward.trainer.load_batch", watched)
    found = []
    for name in ("packed", "padded"):
        if name == "padded":
            monkeypatch.setattr("synpref.reward.upper.can_pack", lambda *_: False)
        found.append(
            train_reward_model(
                folder, backbone=tiny_llama, models_dir=tmp_path / name, features_dir=tmp_path / "features",
                validation=folder, settings=dataclasses.replace(PLAN), name="a model",
            )
        )  # fmt: skip
    assert used == [True] * 6 + [False] * 6
    assert found[0].model_id == found[1].model_id
    losses = [[step["loss"] for step in one.history] for one in found]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    config = json.loads((found[0].path / "config.json").read_text(encoding="utf-8"))
    assert ATTENTION not in json.dumps(config)


def test_encoders_and_models_that_drop_attention_stay_padded(
    folder: Path, tiny_bert: Path, tiny_llama: Path, tmp_path: Path, packs: None
) -> None:
    encoder, _, _ = made(folder, tiny_bert, tmp_path / "encoder", None)
    decoder, _, _ = made(folder, tiny_llama, tmp_path / "decoder", None)
    for layer in decoder.model.base_model.layers:
        layer.self_attn.attention_dropout = 0.1
    for upper in (encoder, decoder):
        with packing(upper, CPU, bfloat16=True):
            assert not upper.packs
