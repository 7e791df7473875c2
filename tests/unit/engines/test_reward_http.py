"""A served reward model, held to the local one: a server on loopback that runs the real scorer behind /classify."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synpref.engines import json_server
from synpref.engines.classifier import Classifier
from synpref.engines.failure import ENGINE_ERROR, ENGINE_UNREACHABLE, OVERLONG, SERVER_REFUSED, Failure
from synpref.engines.json_server import JsonServer
from synpref.engines.reward import BATCH_TOLERANCE, RewardScorer
from synpref.engines.reward_http import HttpScorer, ServerKind, ignores_switch
from synpref.engines.reward_rows import Reward
from synpref.engines.tokenise import Conversation, Encoded
from synpref.errors import EngineError, InputError
from synpref.inference.answered import answered, prepared
from synpref.inference.spec import EngineSpec
from tests.faulty_server import Answer, Asked, serving

TALKS = [
    Conversation([{"role": "user", "content": "Name a sea." * length}], answer)
    for length, answer in ((1, "North"), (1, "<|im_end|>"), (9, "I cannot."), (40, "Baltic"), (1, "North"))
]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_server, "_LONGEST_PAUSE", 0.01)


@pytest.fixture(scope="module")
def local(decoder_reward_folder: Path) -> RewardScorer:
    return RewardScorer.load(
        str(decoder_reward_folder), dtype="float32", max_tokens=256, overlong="truncate_left", token_budget=512,
        device="cpu",
    )  # fmt: skip


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


Reading = Callable[[float, dict[str, Any]], float]


def switched(logit: float, body: dict[str, Any]) -> float:
    """A server that does as it is told: the sigmoid unless it is switched off."""
    return sigmoid(logit) if body.get("use_activation", True) else logit


@contextmanager
def served(local: RewardScorer, reading: Reading = switched) -> Iterator[Asked]:
    """The local model behind the requests and answers of vLLM and SGLang."""
    classifier = Classifier(local.model, local.tokenizer.pad_token_id, 512)

    def answer(body: dict[str, Any], before: int) -> Answer:
        ids = body["input_ids"] if "input_ids" in body else body["input"]
        (logit,) = classifier.logits([Encoded(ids, None, truncated=False)])
        if "input_ids" in body:
            return Answer.of({"embedding": [logit], "meta_info": {"prompt_tokens": len(ids)}})
        probs = [reading(logit, body)]
        return Answer.of({"object": "list", "data": [{"index": 0, "label": None, "probs": probs, "num_classes": 1}]})

    with serving(answer) as asked:
        yield asked


def load(asked: Asked, folder: Path, kind: ServerKind = "vllm", **changes: Any) -> HttpScorer:
    settings: dict[str, Any] = {"served_model": None, "max_tokens": 256, "overlong": "truncate_left"}
    url = asked.url.removesuffix("/v1")
    return HttpScorer.load(str(folder), server=JsonServer(url, retries=1), kind=kind, **settings | changes)


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
@pytest.mark.parametrize("overlong", ["truncate_left", "refuse"])
def test_a_served_model_gives_the_rewards_of_the_local_one(
    local: RewardScorer, decoder_reward_folder: Path, kind: ServerKind, overlong: Any
) -> None:
    here = RewardScorer(local.model, local.tokenizer, 256, overlong, 512)
    with served(local) as asked:
        scorer = load(asked, decoder_reward_folder, kind, overlong=overlong)
        there = scorer.score(TALKS)
    for one, other in zip(here.score(TALKS), there, strict=True):
        assert isinstance(other, Reward)
        assert other[1:] == one[1:]
        assert other.reward == pytest.approx(one.reward, abs=BATCH_TOLERANCE["float32"], nan_ok=True)
    assert set(asked.paths) == {"/classify"}
    assert scorer.order is not None
    assert local.order is not None
    assert scorer.order[:2] == local.order[:2]
    assert scorer.order.margin == pytest.approx(local.order.margin, abs=1e-4)


def test_each_distinct_conversation_is_one_request_that_names_the_model(
    local: RewardScorer, decoder_reward_folder: Path
) -> None:
    with served(local) as asked:
        scorer = load(asked, decoder_reward_folder)
        asked.bodies.clear()
        scorer.score(TALKS)
        load(asked, decoder_reward_folder, served_model="ours")
    assert len(asked.bodies[:4]) == len({str(body["input"]) for body in asked.bodies[:4]})
    assert asked.bodies[4]["model"] == "ours"
    assert {body["model"] for body in asked.bodies[:4]} == {str(decoder_reward_folder)}
    assert {body["use_activation"] for body in asked.bodies[:4]} == {False}


def test_tokens_are_made_while_the_window_before_waits_and_give_the_same_rewards(
    local: RewardScorer, decoder_reward_folder: Path
) -> None:
    rows = [{"response_id": str(n), "messages": one.messages, "text": one.response} for n, one in enumerate(TALKS)]
    window = pa.RecordBatch.from_pylist(rows)
    spec = EngineSpec.of("reward", "r", backend="http", max_tokens=256)
    with served(local) as asked:
        scorer = load(asked, decoder_reward_folder)
        before = len(asked.bodies)
        ready = prepared(spec, scorer, window)
        assert ready is not None
        assert len(asked.bodies) == before
        found = answered(spec, scorer, window, ready).column("reward").to_pylist()
        assert found == [one.reward for one in scorer.score(TALKS) if isinstance(one, Reward)]


def uneven(probability: float, body: dict[str, Any]) -> float:
    """A probability in bfloat16, which falls to one side or the other with the batch."""
    step = 2**-8
    return (round(probability / step) + int(body["use_activation"])) * step


def always_sigmoid(logit: float, _body: dict[str, Any]) -> float:
    return sigmoid(logit)


def rounded_sigmoid(logit: float, body: dict[str, Any]) -> float:
    return uneven(sigmoid(logit), body)


def softmax_of_one(_logit: float, _body: dict[str, Any]) -> float:
    return 1.0


@pytest.mark.parametrize("reading", [always_sigmoid, rounded_sigmoid, softmax_of_one])
def test_a_server_that_leaves_its_activation_on_is_refused(
    local: RewardScorer, decoder_reward_folder: Path, reading: Reading
) -> None:
    with served(local, reading) as asked, pytest.raises(EngineError, match=r"look like probabilities.*use_activation"):
        load(asked, decoder_reward_folder)


def test_small_logits_of_a_server_that_does_as_it_is_told_are_rewards(
    local: RewardScorer, decoder_reward_folder: Path
) -> None:
    with served(local, lambda logit, body: switched(sigmoid(logit), body)) as asked:  # logits within [0, 1]
        rewards = load(asked, decoder_reward_folder).score(TALKS[:1])
    (expected,) = local.score(TALKS[:1])
    assert isinstance(rewards[0], Reward)
    assert rewards[0].reward == pytest.approx(sigmoid(expected.reward), abs=1e-4)


def test_a_server_whose_activation_is_off_for_good_gives_logits(
    local: RewardScorer, decoder_reward_folder: Path
) -> None:
    with served(local, lambda logit, _body: logit + 5) as asked:
        assert isinstance(load(asked, decoder_reward_folder).score(TALKS[:1])[0], Reward)


def test_a_model_of_regression_has_no_activation_to_leave_on(
    local: RewardScorer, decoder_reward_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "regression"
    shutil.copytree(decoder_reward_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": "regression"}))
    with served(local, always_sigmoid) as asked:  # what looks like probabilities are its logits
        assert isinstance(load(asked, folder).score(TALKS[:1])[0], Reward)


@given(
    logits=st.lists(st.floats(-8, 8), min_size=2, max_size=2),
    noise=st.lists(st.floats(-0.004, 0.004), min_size=2, max_size=2),
)
def test_logits_and_probabilities_are_told_apart_in_half_precision(logits: list[float], noise: list[float]) -> None:
    probabilities = [sigmoid(logit) for logit in logits]
    noisy = [min(max(value + by, 0.0), 1.0) for value, by in zip(probabilities, noise, strict=True)]
    assert ignores_switch(probabilities, noisy)
    assume(max(abs(value - 0.659) for value in logits) > 0.05)  # the number that is its own sigmoid
    assert not ignores_switch(logits, noisy)


def test_a_refused_or_broken_row_costs_no_neighbour(local: RewardScorer, decoder_reward_folder: Path) -> None:
    with served(local) as asked:
        scorer = load(asked, decoder_reward_folder)
    wrong = {
        2: Answer(400, b"too long"), 3: Answer.of({"data": [{"probs": [0.1, 0.9]}]}),
        1: Answer.of({"data": [{"probs": [math.nan]}]}),
    }  # fmt: skip
    rest = Answer.of({"data": [{"probs": [-2.5]}]})
    with serving(lambda body, before: wrong.get(before, rest)) as asked:
        one_by_one = JsonServer(asked.url.removesuffix("/v1"), concurrency=1, retries=1)
        there = HttpScorer(one_by_one, "vllm", "m", scorer.tokenizer, 256, "truncate_left").score(TALKS)
    reasons = [one.reason for one in there if isinstance(one, Failure)]
    assert sorted(reasons) == [ENGINE_ERROR, ENGINE_UNREACHABLE, SERVER_REFUSED]
    assert [one.reward for one in there if isinstance(one, Reward)] == [-2.5] * 2


def test_a_row_that_does_not_fit_into_the_server_s_context_is_overlong(
    local: RewardScorer, decoder_reward_folder: Path
) -> None:
    too_long = Answer(400, b"This model's maximum context length is 8 tokens")
    with served(local) as asked:
        tokenizer = load(asked, decoder_reward_folder).tokenizer
    with serving(lambda body, before: too_long) as asked:
        (answer,) = HttpScorer(JsonServer(asked.url), "vllm", "m", tokenizer, 256, "truncate_left").score(TALKS[:1])
    assert answer == Failure(OVERLONG, "status 400: This model's maximum context length is 8 tokens")


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_answers_that_are_no_rewards_stop_the_load(decoder_reward_folder: Path, kind: ServerKind) -> None:
    with (
        serving(lambda body, before: Answer.of({"data": [{"probs": [float("nan")]}], "embedding": [1, 2]})) as asked,
        pytest.raises(EngineError, match="no reward of a short conversation"),
    ):
        load(asked, decoder_reward_folder, kind)


def test_a_server_that_gives_every_text_the_same_reward_stops_the_load(decoder_reward_folder: Path) -> None:
    with (
        serving(lambda body, before: Answer.of({"data": [{"probs": [7.5]}]})) as asked,
        pytest.raises(EngineError, match=r"the server of .*all have the reward 7\.5"),
    ):
        load(asked, decoder_reward_folder)


def test_a_tokenizer_of_two_segments_cannot_be_sent(reward_folder: Path) -> None:
    with (
        serving(lambda body, before: Answer()) as asked,
        pytest.raises(InputError, match=r"set scorer\.backend to transformers"),
    ):
        load(asked, reward_folder)
    assert not asked.bodies


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with serving(lambda body, before: Answer()) as asked, pytest.raises(InputError, match="is this a model folder"):
        load(asked, tmp_path)
