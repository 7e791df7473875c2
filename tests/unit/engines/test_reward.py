from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from synpref.engines import first_token
from synpref.engines.first_token import FirstTokenLayer
from synpref.engines.reward import BATCH_TOLERANCE, RewardScorer
from synpref.engines.tokenise import Conversation


def talks(count: int) -> list[Conversation]:
    draw = random.Random(0)
    words = ("the", "sea", "was", "calm", "and", "ship", "sailed", "north", "with", "cargo", "tea", "months")
    return [
        Conversation(
            [{"role": "user", "content": " ".join(draw.choices(words, k=draw.randint(1, 30)))}], draw.choice(words)
        )
        for _ in range(count)
    ]


def load(folder: Path, **changes: Any) -> RewardScorer:
    settings: dict[str, Any] = {
        "dtype": "float32",
        "max_tokens": 128,
        "overlong": "truncate_left",
        "token_budget": 256,
        "device": "cpu",
    }
    return RewardScorer.load(str(folder), **settings | changes)


@pytest.fixture(scope="module")
def scorer(reward_folder: Path) -> RewardScorer:
    return load(reward_folder)


def test_a_reward_is_the_single_logit_of_the_saved_model(scorer: RewardScorer, reward_folder: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(reward_folder).eval()
    inputs = AutoTokenizer.from_pretrained(reward_folder)("who wrote it", "she did", return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).logits.item()
    (reward,) = scorer.score([Conversation([{"role": "user", "content": "who wrote it"}], "she did")])
    assert reward.reward == pytest.approx(expected, abs=1e-5)
    assert (reward.tokens, reward.truncated) == (inputs["input_ids"].shape[1], False)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["reward_folder", "decoder_reward_folder"])
def test_a_reward_does_not_depend_on_its_batch(request: pytest.FixtureRequest, kind: str, dtype: str) -> None:
    scorer = load(request.getfixturevalue(kind), dtype=dtype, max_tokens=192, token_budget=512)
    items = talks(8)
    together = [reward.reward for reward in scorer.score(items)]
    alone = [scorer.score([item])[0].reward for item in items]
    turned = [reward.reward for reward in reversed(scorer.score(items[::-1]))]
    for first, *others in zip(together, alone, turned, strict=True):
        assert all(abs(first - other) <= BATCH_TOLERANCE[dtype] * max(1, abs(first)) for other in others)
    assert len({round(reward, 3) for reward in together}) > 3  # the head tells them apart


def test_equal_conversations_are_computed_once(scorer: RewardScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    hook = scorer.model.register_forward_pre_hook(
        lambda _model, _args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    rewards = scorer.score(talks(5) * 4)
    hook.remove()
    assert sum(rows) == 5
    assert rewards[:5] == rewards[15:]


def test_a_cut_conversation_says_so(scorer: RewardScorer) -> None:
    (reward,) = scorer.score([Conversation([{"role": "user", "content": "word " * 300}], "yes")])
    assert (reward.tokens, reward.truncated) == (128, True)


def test_a_refused_conversation_is_not_run(reward_folder: Path) -> None:
    refusing = load(reward_folder, overlong="refuse")
    short, long = refusing.score(
        [Conversation([{"role": "user", "content": text}], "yes") for text in ("hi", "word " * 300)]
    )
    assert math.isfinite(short.reward)
    assert math.isnan(long.reward)
    assert (long.tokens, long.truncated) == (304, False)


def test_nothing_to_score_gives_nothing(scorer: RewardScorer) -> None:
    assert scorer.score([]) == []


def test_an_encoder_computes_the_first_token_of_its_last_layer_alone_where_rewards_stay(
    reward_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = talks(6)
    alone = load(reward_folder)
    assert isinstance(alone.model.base_model.encoder.layer[-1], FirstTokenLayer)
    monkeypatch.setattr(first_token, "reads_first_token", lambda _: False)
    whole = load(reward_folder)
    assert not isinstance(whole.model.base_model.encoder.layer[-1], FirstTokenLayer)
    rewards = [[one.reward for one in scorer.score(asked)] for scorer in (alone, whole)]
    assert rewards[0] == pytest.approx(rewards[1], abs=1e-5)
    monkeypatch.undo()

    class Other(FirstTokenLayer):
        def forward(self, *given: Any, **more: Any) -> Any:
            return super().forward(*given, **more) + 1.0

    monkeypatch.setattr(first_token, "FirstTokenLayer", Other)
    assert not isinstance(load(reward_folder).model.base_model.encoder.layer[-1], FirstTokenLayer)
