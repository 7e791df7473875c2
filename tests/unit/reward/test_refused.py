"""Roles that a backbone's chat template refuses cost their comparison, counted, and not the training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synpref.engines.tokenise import Encoded
from synpref.errors import InputError
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.refused import may_refuse, reason_of
from synpref.reward.scoring import score_responses
from synpref.reward.training import train_reward_model
from tests.unit.reward.conftest import WriteFolder, assistant_begins, with_strict_roles

PLAN = TrainingPlan(steps=2, responses_per_step=8, max_tokens=32)
ROWS = [("what", "clear", "rude"), ("say", "kind", "odd"), ("topic", "helpful", "wrong")]


def train(folder: Path, backbone: Path, tmp_path: Path, **changed: Any) -> TrainedModel:
    return train_reward_model(
        folder,
        backbone=backbone,
        models_dir=tmp_path / "models",
        features_dir=None,
        validation=folder,
        settings=dataclasses.replace(PLAN, **changed),
        name="a model",
    )


@pytest.mark.parametrize("overlong", ["truncate_left", "refuse"])
@pytest.mark.parametrize("layers", [1, None])
def test_a_conversation_that_the_chat_template_refuses_is_left_out_and_counted(
    layers: int | None, overlong: str, tiny_llama: Path, write_folder: WriteFolder, tmp_path: Path
) -> None:
    backbone = with_strict_roles(tiny_llama, tmp_path / "strict")
    folder = assistant_begins(write_folder("d", ROWS), "say")
    model = train(folder, backbone, tmp_path, trainable_layers=layers, overlong=overlong)
    counted = {name: model.rows[name] for name in ("comparisons", "comparisons_refused", "responses")}
    assert counted == {"comparisons": 2, "comparisons_refused": 1, "responses": 6}
    assert model.rows["validation_comparisons_refused"] == 1
    rewards = list(score_responses(model.path, folder, None).values())
    assert np.isnan(rewards).sum() == 2


def test_where_it_refuses_all_that_is_told(tiny_llama: Path, write_folder: WriteFolder, tmp_path: Path) -> None:
    backbone = with_strict_roles(tiny_llama, tmp_path / "strict")
    folder = assistant_begins(write_folder("d", ROWS[1:2]), "say")
    with pytest.raises(InputError, match="roles that the backbone's chat template refuses"):
        train(folder, backbone, tmp_path)


def test_a_refusal_has_its_reason() -> None:
    codes = [Encoded([1], None, False), Encoded([1, 2], None, False, True), Encoded([], None, False, True)]
    assert [reason_of(code) for code in codes] == [None, "overlong", "row_refused"]


def test_without_a_chat_template_or_a_limit_nothing_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    assert not may_refuse(tiny_llama, "truncate_left")
    assert not may_refuse(tmp_path / "none", "truncate_left")
    assert may_refuse(tiny_llama, "refuse")
    assert may_refuse(with_strict_roles(tiny_llama, tmp_path / "strict"), "truncate_left")
