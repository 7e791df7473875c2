"""The judge of kind `http` against vLLM's server, directly and through a proxy that spoils requests."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest

from synpref.engines.chat import ChatModel
from synpref.engines.chat_http import HttpChat
from synpref.engines.choice import Choice
from synpref.engines.failure import ENGINE_UNREACHABLE, OVERLONG, Failure
from synpref.engines.json_server import JsonServer
from synpref.errors import EngineError
from tests.vllm.conftest import CHAT_MODEL, KEY_VARIABLE, WINDOW
from tests.vllm.fault_proxy import Fault, proxy
from tests.vllm.parity import CHOICES, PROBABILITY_TOLERANCE

# A system message in each: without one the server's template adds its own, which the judge here leaves out.
PROMPTS = [
    [{"role": "system", "content": "You compare."}, {"role": "user", "content": f"{question} Say 1 or 2."}]
    for question in ("Which is larger, 1 or 2?", "Which is smaller, 1 or 2?", "Name a fruit.", "Is 2 + 2 = 4?")
]
SEEDS = [0] * len(PROMPTS)


def judge(
    root: str, *, model: str = "tiny", concurrency: int = 4, timeout: float = 300.0, retries: int = 3, **settings: Any
) -> HttpChat:
    server = JsonServer(f"{root.removesuffix('/v1')}/v1", concurrency, timeout, retries, KEY_VARIABLE)
    return HttpChat(server, model, **settings)


def ask(root: str, **settings: Any) -> list[Choice | Failure]:
    return judge(root, **settings).choose(PROMPTS, CHOICES, SEEDS)


def answered(answers: Sequence[Choice | Failure]) -> list[Choice]:
    """All answers; fails where one is a Failure."""
    assert [answer for answer in answers if isinstance(answer, Failure)] == []
    return [answer for answer in answers if isinstance(answer, Choice)]


def assert_same(answers: Sequence[Choice | Failure], others: Sequence[Choice | Failure]) -> None:
    for one, other in zip(answered(answers), answered(others), strict=True):
        assert one._replace(p_first=0.0) == other._replace(p_first=0.0)
        assert one.p_first == pytest.approx(other.p_first, abs=PROBABILITY_TOLERANCE)


@pytest.fixture(scope="module")
def direct(chat_server: str) -> list[Choice | Failure]:
    """What the server says when nothing stands before it."""
    return ask(chat_server)


def test_it_judges_as_the_same_model_in_transformers_does(direct: list[Choice | Failure]) -> None:
    local = ChatModel.load(str(CHAT_MODEL), dtype="float32", max_tokens=WINDOW, token_budget=1024)
    for there, here in zip(answered(direct), local.choose(PROMPTS, CHOICES), strict=True):
        assert there.p_first == pytest.approx(here.p_first, abs=PROBABILITY_TOLERANCE)
        assert there.said == ("first" if here.p_first > 0.5 else "second")
        assert there.tokens_in == here.tokens_in


@pytest.mark.parametrize(
    "faults", [["500", "503", "500"], ["429"], ["half", "half"]], ids=["overload", "rate limit", "half an answer"]
)
def test_what_passes_leaves_no_trace(chat_server: str, direct: list[Choice | Failure], faults: list[Fault]) -> None:
    with proxy(chat_server, faults) as asked:
        assert_same(ask(asked.url), direct)
        assert len(asked.bodies) == len(PROMPTS) + len(faults)


def test_a_request_that_hangs_is_sent_again(chat_server: str, direct: list[Choice | Failure]) -> None:
    with proxy(chat_server, ["hang"]) as asked:
        assert_same(ask(asked.url, timeout=15.0), direct)
        assert len(asked.bodies) > len(PROMPTS)


def test_garbage_costs_its_prompt_alone(chat_server: str, direct: list[Choice | Failure]) -> None:
    with proxy(chat_server, ["garbage"]) as asked:
        answers = ask(asked.url)
    assert [answer.reason for answer in answers if isinstance(answer, Failure)] == [ENGINE_UNREACHABLE]
    kept = [place for place, answer in enumerate(answers) if isinstance(answer, Choice)]
    assert_same([answers[place] for place in kept], [direct[place] for place in kept])


def test_a_server_that_fails_for_good_stops_the_judge(chat_server: str) -> None:
    with (
        proxy(chat_server, ["500"] * 99) as asked,
        pytest.raises(EngineError, match=r"all of 4 requests failed, the first: status 500"),
    ):
        ask(asked.url, concurrency=2, retries=1)


def test_a_server_that_is_gone_is_told(chat_server: str) -> None:
    with proxy(chat_server) as asked:
        address = asked.url
    with pytest.raises(EngineError, match="nothing answers there"):
        ask(address, retries=0)


def test_a_wrong_key_stops_the_judge(chat_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "another")
    with pytest.raises(EngineError, match=r"status 401"):
        ask(chat_server)


def test_a_model_that_is_not_served_stops_the_judge(chat_server: str) -> None:
    with pytest.raises(EngineError, match=r"status 404: .*`other` does not exist"):
        ask(chat_server, model="other")


def test_a_prompt_that_does_not_fit_costs_no_neighbour(chat_server: str, direct: list[Choice | Failure]) -> None:
    long = [{"role": "user", "content": "word " * 2 * WINDOW}]
    answers = judge(chat_server).choose([long, *PROMPTS], CHOICES, [0, *SEEDS])
    assert isinstance(answers[0], Failure)
    assert answers[0].reason == OVERLONG
    assert_same(answers[1:], direct)


def test_the_choice_is_held_to_where_the_model_would_say_something_else(chat_server: str) -> None:
    prompt = [[{"role": "user", "content": "Name the capital of France."}]]
    (free,) = answered(judge(chat_server, structured="none").choose(prompt, CHOICES, [0]))
    (held,) = answered(judge(chat_server, structured="choice").choose(prompt, CHOICES, [0]))
    assert free.raw not in CHOICES
    assert held.raw in CHOICES
    assert 0 < held.p_first < 1


@pytest.mark.parametrize("rationale", [False, True])
def test_a_schema_puts_the_verdict_into_an_object(chat_server: str, rationale: bool) -> None:
    schema = judge(chat_server, structured="json_schema", rationale=rationale)
    (answer,) = answered(schema.choose(PROMPTS[:1], CHOICES, [0]))
    assert answer.raw.lstrip().startswith("{")
    assert answer.said in {"first", "second"}
    assert 0 < answer.p_first < 1
    if not rationale:
        assert json.loads(answer.raw) == {"better": CHOICES[answer.said == "second"]}


def test_without_logprobs_verdicts_stand(chat_server: str, direct: list[Choice | Failure]) -> None:
    answers = answered(ask(chat_server, logprobs=False))
    assert [answer.said for answer in answers] == [answer.said for answer in answered(direct)]
    assert all(math.isnan(answer.p_first) for answer in answers)


def test_a_sample_is_drawn_by_its_seed(chat_server: str) -> None:
    sampled = judge(chat_server, temperature=2.0)  # as much as vLLM takes
    draws = [[one.raw for one in answered(sampled.choose(PROMPTS[:1] * 24, CHOICES, range(24)))] for _ in range(2)]
    assert draws[0] == draws[1]
    assert set(draws[0]) == {"1", "2"}
