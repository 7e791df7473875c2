"""Rewards through the feature cache are those of the saved model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from synpref.engines.reward import RewardScorer
from synpref.errors import InputError
from synpref.reward import passes, scoring
from synpref.reward.accuracy import accuracy
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.rows import read_comparisons, read_responses
from synpref.reward.scoring import score_responses, stream_rewards
from synpref.reward.training import train_reward_model
from synpref.reward.upper import PairwiseLoss

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]
ScorePlainly = Callable[[Path, list[tuple[str, str]], int], list[float]]

PLAN = TrainingPlan(steps=10, responses_per_step=16, learning_rate=1e-3, max_tokens=16, evaluate_every=5)


def train(folder: Path, backbone: Path, tmp_path: Path, plan: TrainingPlan) -> TrainedModel:
    return train_reward_model(
        folder,
        backbone=backbone,
        models_dir=tmp_path / "models",
        features_dir=tmp_path / "features",
        validation=folder,
        settings=plan,
        name="m",
    )


CASES = [(kind, layers) for kind in ("tiny_bert", "tiny_llama") for layers in (1, 2, None)]


@pytest.mark.parametrize(("kind", "layers"), [*CASES, ("minilm", 1), ("minilm", 2)])
def test_cached_rewards_are_those_of_the_whole_model(
    kind: str,
    layers: int | None,
    write_folder: WriteFolder,
    learnable: MakeRows,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    score_plainly: ScorePlainly,
) -> None:
    folder = write_folder("d", learnable(6, 0))
    plan = dataclasses.replace(PLAN, trainable_layers=layers)
    model = train(folder, request.getfixturevalue(kind), tmp_path, plan)
    cached = score_responses(model.path, folder, tmp_path / "features")
    ((ids, talks),) = list(read_responses(folder))
    plain = score_plainly(model.path, [(talk.messages[0]["content"], talk.response) for talk in talks], 16)
    assert [cached[name] for name in ids] == pytest.approx(plain, abs=1e-4)
    scorer = RewardScorer.load(
        str(model.path), dtype="float32", max_tokens=16, overlong="truncate_left", token_budget=256
    )
    assert [reward.reward for reward in scorer.score(talks)] == pytest.approx(plain, abs=1e-4)
    assert accuracy(cached, read_comparisons(folder)) == pytest.approx(model.validation_accuracy)


def test_new_responses_are_computed_once_and_then_read(
    write_folder: WriteFolder, learnable: MakeRows, tiny_bert: Path, tmp_path: Path
) -> None:
    model = train(write_folder("d", learnable(4, 0)), tiny_bert, tmp_path, PLAN)
    fresh = write_folder("fresh", learnable(4, 7))
    told: list[str] = []
    first = score_responses(model.path, fresh, tmp_path / "features", told.append)
    assert told == ["features of 16 responses"]
    again = score_responses(model.path, fresh, tmp_path / "features", told.append)
    assert len(told) == 1
    assert again == first
    assert score_responses(model.path, fresh, None) == pytest.approx(first, abs=1e-5)


def test_the_device_at_hand_scores(
    write_folder: WriteFolder, learnable: MakeRows, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = train(write_folder("d", learnable(4, 0)), tiny_bert, tmp_path, PLAN)
    fresh = write_folder("fresh", learnable(1, 7))
    asked: list[object] = []

    def to(model: PairwiseLoss, device: object) -> PairwiseLoss:
        asked.append(device)
        return model

    monkeypatch.setattr(scoring, "default_device", lambda: "the chosen one")
    monkeypatch.setattr(PairwiseLoss, "to", to)
    assert len(score_responses(model.path, fresh, None)) == 4
    assert asked == ["the chosen one"]


def test_a_refused_response_has_no_reward(
    write_folder: WriteFolder, learnable: MakeRows, tiny_bert: Path, tmp_path: Path
) -> None:
    plan = dataclasses.replace(PLAN, overlong="refuse", max_tokens=20)
    model = train(write_folder("d", learnable(4, 0)), tiny_bert, tmp_path, plan)
    long = write_folder("long", [("what", "clear", " ".join(["odd"] * 30))])
    ((ids, rewards),) = list(stream_rewards(model.path, long, None))
    talks = dict(zip(ids, next(read_responses(long))[1], strict=True))
    found = {talks[name].response[:5]: float(reward) for name, reward in zip(ids, rewards, strict=True)}
    assert math.isfinite(found["clear"])
    assert math.isnan(found["odd o"])


def test_most_validation_responses_may_be_refused(
    write_folder: WriteFolder, learnable: MakeRows, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No batch is of responses without tokens alone, and the others have the rewards that they have by themselves."""
    monkeypatch.setattr(passes, "SCORING_TOKENS", 8)
    plan = dataclasses.replace(PLAN, overlong="refuse", max_tokens=20)
    long = [(f"what {number}", f"clear {number}", " ".join(["odd"] * (30 + number))) for number in range(40)]
    rows = learnable(4, 0)
    folder = write_folder("d", rows)
    models = [
        train_reward_model(
            folder,
            backbone=tiny_bert,
            models_dir=tmp_path / name,
            features_dir=tmp_path / "features",
            validation=write_folder(name, validation),
            settings=plan,
            name="m",
        )
        for name, validation in (("few", rows), ("many", rows + long))
    ]
    assert models[1].rows["validation_comparisons_refused"] == 40
    assert models[1].history == models[0].history


def test_a_folder_that_is_no_trained_model_is_named(tiny_bert: Path, write_folder: WriteFolder) -> None:
    folder = write_folder("d", [("p", "x", "y")])
    with pytest.raises(InputError, match="no reward model that synpref trained"):
        score_responses(tiny_bert, folder, None)
