"""The vLLM backend: what is told where it is absent, and equal rewards where it is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
import torch
from transformers import AutoTokenizer

from synpref.engines import reward_vllm
from synpref.engines.cards import reward_card
from synpref.engines.reward import BATCH_TOLERANCE, RewardScorer
from synpref.engines.reward_vllm import VllmScorer
from synpref.engines.tokenise import Conversation
from synpref.errors import InputError
from synpref.inference import loading
from synpref.inference.answered import answered, prepared
from synpref.inference.spec import EngineSpec

ABSENT = importlib.util.find_spec("vllm") is None
TALKS = [
    Conversation([{"role": "user", "content": "Name a sea." * length}], answer)
    for length, answer in ((1, "North"), (9, "I cannot."), (40, "Baltic"), (1, "North"))
]


def classify(prompts: list[dict[str, list[int]]], **_: object) -> list[SimpleNamespace]:
    """In the place of vLLM, which is in no laptop: a reward is the sum of a row's ids."""
    return [SimpleNamespace(outputs=SimpleNamespace(probs=[sum(one["prompt_token_ids"])])) for one in prompts]


@pytest.mark.skipif(not ABSENT, reason="vllm is installed")
def test_without_vllm_the_extra_is_named(decoder_reward_folder: Path) -> None:
    folder = str(decoder_reward_folder)
    with pytest.raises(InputError, match=r"pip install synpref\[gpu\]"):
        VllmScorer.load(folder, dtype="float32", max_tokens=256, overlong="truncate_left", gpu_memory=0.9)
    with pytest.raises(InputError, match=r"pip install synpref\[gpu\]"):
        reward_card("r", folder, dtype="float32", max_tokens=256, overlong="truncate_left", backend="vllm")


@pytest.mark.skipif(ABSENT, reason="vllm is not installed: pip install synpref[gpu]")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_rewards_are_those_of_transformers(decoder_reward_folder: Path) -> None:
    folder = str(decoder_reward_folder)
    here = RewardScorer.load(folder, dtype="bfloat16", max_tokens=256, overlong="truncate_left", token_budget=512)
    there = VllmScorer.load(folder, dtype="bfloat16", max_tokens=256, overlong="truncate_left", gpu_memory=0.9)
    for one, other in zip(here.score(TALKS), there.score(TALKS), strict=True):
        assert other[1:] == one[1:]
        assert abs(one.reward - other.reward) <= 2 * BATCH_TOLERANCE["bfloat16"] * max(1, abs(one.reward))


def test_tokens_are_made_ahead_and_give_the_same_rewards(decoder_reward_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(decoder_reward_folder)
    scorer = VllmScorer(SimpleNamespace(classify=classify), None, tokenizer, 256, "truncate_left")
    spec = EngineSpec.of("reward", "r", backend="vllm", max_tokens=256)
    rows = [{"response_id": str(n), "messages": one.messages, "text": one.response} for n, one in enumerate(TALKS)]
    window = pa.RecordBatch.from_pylist(rows)
    ready = prepared(spec, scorer, window)
    assert ready is not None
    assert answered(spec, scorer, window, ready).column("reward").to_pylist() == [
        one.reward for one in scorer.score(TALKS)
    ]


@pytest.mark.parametrize(("options", "share"), [({}, 0.9), ({"gpu_memory": 0.4}, 0.4)])
def test_it_takes_its_share_of_the_gpu(
    options: dict[str, float], share: float, monkeypatch: pytest.MonkeyPatch, decoder_reward_folder: Path
) -> None:
    given: dict[str, object] = {}

    def llm(**told: object) -> SimpleNamespace:
        given.update(told)
        return SimpleNamespace(classify=classify)

    monkeypatch.setattr(reward_vllm, "imported", lambda _: SimpleNamespace(LLM=llm, PoolingParams=dict))
    spec = EngineSpec.of("reward", "r", str(decoder_reward_folder), backend="vllm", dtype="float32", max_tokens=256)
    loading.reward(spec.having(**options))
    assert given["gpu_memory_utilization"] == share
