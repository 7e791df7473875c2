"""vLLM in this program's own processes, as a worker runs it: `generate` for the judge, `classify` for rewards."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from synpref.engines.cards import reward_card, vllm_judge_card
from synpref.engines.chat import ChatModel
from synpref.engines.chat_vllm import VllmChat
from synpref.engines.choice import Choice
from synpref.engines.failure import OVERLONG, Failure
from synpref.engines.reward_rows import Reward
from synpref.engines.reward_vllm import VllmScorer
from tests.vllm.conftest import CHAT_MODEL
from tests.vllm.parity import CHOICES, MAX_TOKENS, PROBABILITY_TOLERANCE, REWARD_TOLERANCE, TALKS
from tests.vllm.vllm_server import ENVIRONMENT

PROMPTS = [
    [{"role": "user", "content": text}]
    for text in ("Which is larger, 1 or 2?", "Name the capital of France.", "x " * 999)
]
Answers = TypeVar("Answers")


def in_its_own_process(ask: Callable[..., Answers], *words: str) -> Answers:
    """One engine a process, as the bridge runs them: vLLM gives nothing back while its process lives."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(ask, *words).result()


def judged() -> list[Choice | Failure]:
    model = VllmChat.load(
        str(CHAT_MODEL), dtype="float32", max_tokens=MAX_TOKENS, temperature=0.0, logprobs=True, gpu_memory=0.3
    )
    return model.choose(PROMPTS, CHOICES, [0] * len(PROMPTS))


def reasoned() -> list[Choice | Failure]:
    model = VllmChat.load(
        str(CHAT_MODEL), dtype="float32", max_tokens=MAX_TOKENS, temperature=0.0, logprobs=True, gpu_memory=0.3,
        rationale_tokens=16,
    )  # fmt: skip
    return model.choose(PROMPTS, CHOICES, [0] * len(PROMPTS))


def scored(folder: str) -> list[Reward]:
    scorer = VllmScorer.load(folder, dtype="float32", max_tokens=MAX_TOKENS, overlong="truncate_left", gpu_memory=0.3)
    return scorer.score(TALKS)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_it_judges_as_the_same_model_in_transformers_does() -> None:
    there = in_its_own_process(judged)
    assert isinstance(there[-1], Failure)
    assert there[-1].reason == OVERLONG
    local = ChatModel.load(str(CHAT_MODEL), dtype="float32", max_tokens=MAX_TOKENS, token_budget=1024)
    for one, here in zip(there[:-1], local.choose(PROMPTS[:-1], CHOICES), strict=True):
        assert isinstance(one, Choice)
        assert one.raw in CHOICES
        assert one.p_first == pytest.approx(here.p_first, abs=PROBABILITY_TOLERANCE)
        assert one.said == ("first" if here.p_first > 0.5 else "second")
        assert one.tokens_in == here.tokens_in


def test_a_rationale_stands_behind_the_verdict_as_in_transformers() -> None:
    there = in_its_own_process(reasoned)
    local = ChatModel.load(
        str(CHAT_MODEL), dtype="float32", max_tokens=MAX_TOKENS, token_budget=1024, rationale_tokens=16
    )
    for one, here in zip(there[:-1], local.choose(PROMPTS[:-1], CHOICES), strict=True):
        assert isinstance(one, Choice)
        assert one.p_first == pytest.approx(here.p_first, abs=PROBABILITY_TOLERANCE)
        assert one.raw.startswith(("1. ", "2. "))
        assert one.raw.split()[:4] == here.raw.split()[:4]  # greedy, until the arithmetic of two libraries parts


def test_rewards_are_those_of_transformers(reward_folder: Path, local_rewards: list[Reward]) -> None:
    for there, here in zip(in_its_own_process(scored, str(reward_folder)), local_rewards, strict=True):
        assert there[1:] == here[1:]
        assert there.reward == pytest.approx(here.reward, abs=REWARD_TOLERANCE)


def test_the_version_of_the_build_for_the_cpu_is_part_of_the_identity(reward_folder: Path) -> None:
    reward = reward_card(
        "r", str(reward_folder), dtype="float32", max_tokens=8, overlong="refuse", backend="vllm"
    ).details
    judge = vllm_judge_card("j", str(CHAT_MODEL), dtype="float32", max_tokens=8, temperature=0.0, logprobs=True).details
    assert reward["vllm"] == judge["vllm"]
    assert str(judge["vllm"]).count(".") >= 1
