"""The reward scorer of backend `http` against vLLM's /classify, and against a gateway that leaves a field out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synpref.engines.failure import Failure
from synpref.engines.json_server import JsonServer
from synpref.engines.reward_http import HttpScorer
from synpref.engines.reward_rows import Reward
from synpref.errors import EngineError
from tests.vllm.conftest import CHAT_MODEL, KEY_VARIABLE
from tests.vllm.fault_proxy import proxy
from tests.vllm.parity import MAX_TOKENS, REWARD_TOLERANCE, TALKS


def load(root: str, folder: Path) -> HttpScorer:
    server = JsonServer(root.removesuffix("/v1"), concurrency=4, timeout=300.0, retries=3, key_variable=KEY_VARIABLE)
    return HttpScorer.load(
        str(folder), server=server, kind="vllm", served_model=None, max_tokens=MAX_TOKENS, overlong="truncate_left"
    )


def assert_same(rewards: list[Reward | Failure], local_rewards: list[Reward]) -> None:
    for there, here in zip(rewards, local_rewards, strict=True):
        assert isinstance(there, Reward)
        assert there[1:] == here[1:]
        assert there.reward == pytest.approx(here.reward, abs=REWARD_TOLERANCE)


def test_rewards_are_those_of_transformers(
    reward_server: str, reward_folder: Path, local_rewards: list[Reward]
) -> None:
    assert max(one.reward for one in local_rewards) - min(one.reward for one in local_rewards) > 100 * REWARD_TOLERANCE
    assert_same(load(reward_server, reward_folder).score(TALKS), local_rewards)


def test_what_passes_leaves_no_trace(reward_server: str, reward_folder: Path, local_rewards: list[Reward]) -> None:
    with proxy(reward_server, ["500", "half", "429"]) as asked:
        assert_same(load(asked.url, reward_folder).score(TALKS), local_rewards)


def test_a_gateway_that_leaves_the_activation_on_is_told(reward_server: str, reward_folder: Path) -> None:
    def plainer(body: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if name != "use_activation"}

    with (
        proxy(reward_server, edit=plainer) as asked,
        pytest.raises(EngineError, match=r"look like probabilities, not rewards.*use_activation"),
    ):
        load(asked.url, reward_folder)


def test_a_model_that_is_not_served_stops_the_load(reward_server: str) -> None:
    with pytest.raises(EngineError, match=r"status 404: .*does not exist"):
        load(reward_server, CHAT_MODEL)
