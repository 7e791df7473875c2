"""A judge behind a server: what it is asked, what is read of its answers, and what its failures cost."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from synpref.engines import json_server
from synpref.engines.chat_http import CORRECTION, HttpChat
from synpref.engines.choice import Choice
from synpref.engines.failure import ENGINE_UNREACHABLE, OVERLONG, SERVER_REFUSED, Failure
from synpref.engines.json_server import JsonServer
from synpref.engines.rationale import RATIONALE_TOKENS
from synpref.errors import EngineError, InputError
from tests.faulty_server import Answer, serving

CHOICES = ("1", "2")
PROMPTS = [[{"role": "user", "content": f"question {n}"}] for n in range(4)]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_server, "_LONGEST_PAUSE", 0.01)


def completion(text: str | None, logprobs: Mapping[str, float] | None = None, **usage: int) -> Answer:
    """A chat completion of one token."""
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    if logprobs is not None:
        top = [{"token": token, "logprob": math.log(share)} for token, share in logprobs.items()]
        choice["logprobs"] = {"content": [{"token": text, "logprob": top[0]["logprob"], "top_logprobs": top}]}
    return Answer.of({"choices": [choice], "usage": usage or {"prompt_tokens": 7, "completion_tokens": 1}})


def content(body: Mapping[str, Any]) -> str:
    """What a request asks, the last turn of its messages."""
    return str(body["messages"][-1]["content"])


def chat(url: str, **settings: Any) -> HttpChat:
    return HttpChat(JsonServer(url, retries=2), "tiny", **settings)


def only(answers: list[Choice | Failure]) -> Choice:
    (answer,) = answers
    assert isinstance(answer, Choice)
    return answer


def test_the_request_names_the_model_the_seed_and_the_two_choices() -> None:
    with serving(lambda body, before: completion("1")) as asked:
        chat(asked.url, temperature=0.7).choose(PROMPTS[:2], CHOICES, [11, 12])
    assert set(asked.paths) == {"/v1/chat/completions"}
    bodies = sorted(asked.bodies, key=lambda body: int(body["seed"]))
    assert [body["seed"] for body in bodies] == [11, 12]
    assert [body["messages"] for body in bodies] == PROMPTS[:2]
    assert {body["model"] for body in bodies} == {"tiny"}
    assert {body["temperature"] for body in bodies} == {0.7}
    assert bodies[0]["structured_outputs"] == {"choice": ["1", "2"]}
    assert (bodies[0]["logprobs"], bodies[0]["top_logprobs"]) == (True, 20)


def test_p_first_is_the_share_of_the_two_choices_and_the_verdict_what_was_said() -> None:
    given = {"1": 0.15, "2": 0.45, "Both": 0.4}
    with serving(lambda body, before: completion("1", given)) as asked:
        answer = only(chat(asked.url).choose(PROMPTS[:1], CHOICES, [0]))
    assert answer.p_first == pytest.approx(0.25)
    assert answer._replace(p_first=0.0) == Choice(0.0, "1", 7, 1, "first")


def test_a_verdict_stands_without_probabilities() -> None:
    with serving(lambda body, before: completion("2")) as asked:
        answer = only(chat(asked.url, logprobs=False).choose(PROMPTS[:1], CHOICES, [0]))
        assert "logprobs" not in asked.bodies[0]
    assert (math.isnan(answer.p_first), answer.said) == (True, "second")


def test_tokens_that_a_server_does_not_count_are_unknown() -> None:
    with serving(lambda body, before: Answer.of({"choices": [{"message": {"content": "2"}}]})) as asked:
        answer = only(chat(asked.url).choose(PROMPTS[:1], CHOICES, [0]))
    assert (answer.tokens_in, answer.tokens_out) == (None, None)


def test_an_openai_schema_puts_the_verdict_before_the_rationale() -> None:
    text = '{"better": "2", "reason": "Candidate 1 is wrong."}'
    with serving(lambda body, before: completion(text)) as asked:
        answer = only(
            chat(asked.url, structured="json_schema", rationale=True).choose(PROMPTS[:1], CHOICES, [0]),
        )
    (body,) = asked.bodies
    schema = body["response_format"]["json_schema"]["schema"]
    assert body["response_format"]["type"] == "json_schema"
    assert list(schema["properties"]) == ["better", "reason"]
    assert schema["properties"]["better"]["enum"] == ["1", "2"]
    assert "structured_outputs" not in body
    assert content(body).startswith("question 0\n\n")
    assert (answer.said, answer.raw) == ("second", text)


def test_a_rationale_gets_more_tokens_and_no_room_where_only_a_choice_may_be_said() -> None:
    with serving(lambda body, before: completion("1. It is right.")) as asked:
        for rationale in (False, True):
            answer = only(
                chat(asked.url, structured="none", rationale=rationale).choose(PROMPTS[:1], CHOICES, [0]),
            )
            assert (answer.said, answer.raw) == ("first", "1. It is right.")
    short, long = asked.bodies
    assert long["max_tokens"] - short["max_tokens"] == RATIONALE_TOKENS
    with serving(lambda body, before: completion("1. It is right.")) as asked:
        chat(asked.url, structured="none", rationale=True, rationale_tokens=40).choose(PROMPTS[:1], CHOICES, [0])
    assert asked.bodies[0]["max_tokens"] - short["max_tokens"] == 40
    assert "one sentence" in content(long)
    assert content(short) == "question 0"
    with pytest.raises(InputError, match="no room for a rationale"):
        chat("http://nowhere/v1", structured="choice", rationale=True)


def test_an_answer_without_a_verdict_is_asked_for_once_more_with_what_was_said() -> None:
    def unclear_first(body: dict[str, Any], before: int) -> Answer:
        return completion("2") if content(body) == CORRECTION else completion("Let me think")

    with serving(unclear_first) as asked:
        answer = only(chat(asked.url).choose(PROMPTS[:1], CHOICES, [5]))
    assert (answer.said, answer.raw, answer.tokens_in, answer.tokens_out) == ("second", "2", 14, 2)
    first, second = asked.bodies
    assert second["messages"] == [
        *first["messages"],
        {"role": "assistant", "content": "Let me think"},
        {"role": "user", "content": CORRECTION},
    ]
    assert second["seed"] == 5


def test_what_is_unclear_twice_is_no_verdict_and_keeps_its_words() -> None:
    lock, times = threading.Lock(), dict.fromkeys(range(4), 0)

    def unclear(body: dict[str, Any], before: int) -> Answer:
        number = int(str(body["messages"][0]["content"]).split()[-1])
        with lock:
            times[number] += 1
        return completion("1") if number % 2 else completion(None)

    with serving(unclear) as asked:
        answers = chat(asked.url).choose(PROMPTS, CHOICES, [0] * 4)
    assert times == {0: 2, 1: 1, 2: 2, 3: 1}
    assert [answer.said for answer in answers if isinstance(answer, Choice)] == ["nothing", "first"] * 2
    assert isinstance(answers[0], Choice)
    assert (answers[0].raw, answers[0].tokens_in) == ("", 14)


def test_what_became_of_answers_without_a_verdict_is_counted() -> None:
    def unclear_first(body: dict[str, Any], before: int) -> Answer:
        number = int(str(body["messages"][0]["content"]).split()[-1])
        if content(body) != CORRECTION:
            return completion("1" if number == 0 else "hm")
        return [completion("1"), completion("2"), completion("hm"), Answer(400, b"no")][number]

    lost = [{"role": "user", "content": "question 4"}]
    with serving(unclear_first) as asked:
        judge = chat(asked.url)
        judge.choose(PROMPTS, CHOICES, [0] * 4)
    assert (judge.passed.asked, judge.passed.repaired, judge.passed.unparsed) == (3, 1, 2)

    def lose(body: dict[str, Any], before: int) -> Answer:
        return Answer(503, b"busy") if content(body) == CORRECTION else completion("hm")

    with serving(lose) as asked:
        judge = HttpChat(JsonServer(asked.url, retries=0), "tiny")
        judge.choose([lost], CHOICES, [0])
    assert (judge.passed.asked, judge.passed.repaired, judge.passed.unparsed) == (1, 0, 0)


def test_where_the_correction_fails_the_first_words_stand() -> None:
    def refused_twice(body: dict[str, Any], before: int) -> Answer:
        return Answer(400, b"roles must alternate") if len(body["messages"]) > 1 else completion("hm")

    with serving(refused_twice) as asked:
        answer = only(chat(asked.url).choose(PROMPTS[:1], CHOICES, [0]))
    assert (answer.said, answer.raw, answer.tokens_in) == ("nothing", "hm", 7)


@pytest.mark.parametrize("prompts", [1, 2])
def test_where_the_correction_is_lost_the_prompt_is_asked_again_another_time(prompts: int) -> None:
    def lost(body: dict[str, Any], before: int) -> Answer:
        return Answer(503, b"busy") if len(body["messages"]) > 1 else completion("hm")

    with serving(lost) as asked:
        answers = HttpChat(JsonServer(asked.url, retries=0), "tiny").choose(PROMPTS[:prompts], CHOICES, [0] * prompts)
    assert [answer.reason for answer in answers if isinstance(answer, Failure)] == [ENGINE_UNREACHABLE] * prompts


@pytest.mark.parametrize("status", [429, 500])
def test_a_busy_server_is_asked_again(status: int) -> None:
    with serving(lambda body, before: completion("1") if before else Answer(status)) as asked:
        assert only(chat(asked.url).choose(PROMPTS[:1], CHOICES, [0])).said == "first"
        assert len(asked.bodies) == 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Answer(body=b"<html>"), ENGINE_UNREACHABLE),
        (Answer(body=b'{"choices": [{"message"', cut=True), ENGINE_UNREACHABLE),
        (Answer(503, b"overloaded"), ENGINE_UNREACHABLE),
        (Answer.of({"choices": []}), ENGINE_UNREACHABLE),
        (Answer.of({"choices": ["1"]}), ENGINE_UNREACHABLE),
        (Answer.of({"choices": [{"message": {"content": "1"}, "logprobs": {"content": [{}]}}]}), ENGINE_UNREACHABLE),
        (Answer.of({"object": "error"}), ENGINE_UNREACHABLE),
        (Answer(422, b"no such field"), SERVER_REFUSED),
        (Answer(400, b"This model's maximum context length is 8 tokens"), OVERLONG),
    ],
)
def test_what_is_wrong_with_one_prompt_costs_no_neighbour(wrong: Answer, reason: str) -> None:
    def bad_second(body: dict[str, Any], before: int) -> Answer:
        return wrong if content(body) == "question 1" else completion("2")

    with serving(bad_second) as asked:
        answers = chat(asked.url).choose(PROMPTS, CHOICES, [0] * 4)
    assert [answer.reason for answer in answers if isinstance(answer, Failure)] == [reason]
    assert isinstance(answers[1], Failure)


def test_half_a_character_in_what_a_server_said_is_stored_as_a_question_mark() -> None:
    logprobs = {"content": [{"token": "1", "logprob": -0.1, "top_logprobs": [{"token": "\ud83d", "logprob": -9.0}]}]}
    told = {"choices": [{"message": {"content": "1. Nicer \ud83d"}, "logprobs": logprobs}]}
    with serving(lambda body, before: Answer.of(told)) as asked:
        answer = only(chat(asked.url).choose(PROMPTS[:1], CHOICES, [0]))
    assert (answer.said, answer.raw) == ("first", "1. Nicer ?")


def test_a_server_that_hangs_for_all_stops_the_judge() -> None:
    def hangs(body: dict[str, Any], before: int) -> Answer:
        time.sleep(0.4)
        return completion("1")

    with serving(hangs) as asked, pytest.raises(EngineError, match="all of 4 requests failed"):
        HttpChat(JsonServer(asked.url, 2, timeout=0.1, retries=0), "tiny").choose(PROMPTS, CHOICES, [0] * 4)


def test_no_prompt_is_no_request() -> None:
    with serving(lambda body, before: completion("1")) as asked:
        assert chat(asked.url).choose([], CHOICES, []) == []
        assert asked.bodies == []


def test_a_server_that_refuses_max_tokens_is_asked_with_the_newer_name_from_then_on() -> None:
    told = {
        "error": {
            "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "code": "unsupported_parameter",
        }
    }

    def newer(body: dict[str, Any], before: int) -> Answer:
        return Answer(400, json.dumps(told).encode()) if "max_tokens" in body else completion("1")

    with serving(newer) as asked:
        judge = chat(asked.url)
        for _ in range(2):
            answers = judge.choose(PROMPTS, CHOICES, [3, 4, 5, 6])
            assert [answer.said for answer in answers if isinstance(answer, Choice)] == ["first"] * 4
    old, new = asked.bodies[:4], asked.bodies[4:]
    assert len(new) == 8
    assert all("max_tokens" in body for body in old)
    assert {body["max_completion_tokens"] for body in new} == {old[0]["max_tokens"]}
    assert sorted(body["seed"] for body in new) == [3, 3, 4, 4, 5, 5, 6, 6]
    assert judge == chat(asked.url)


def test_another_refusal_changes_no_name_and_a_second_one_stands() -> None:
    with serving(lambda body, before: Answer(400, b"logprobs are not supported")) as asked:
        (answer,) = chat(asked.url).choose(PROMPTS[:1], CHOICES, [0])
        assert isinstance(answer, Failure)
        assert len(asked.bodies) == 1
    with serving(lambda body, before: Answer(400, b"max_tokens is unsupported")) as asked:
        (answer,) = chat(asked.url).choose(PROMPTS[:1], CHOICES, [0])
        assert answer == Failure(SERVER_REFUSED, "status 400: max_tokens is unsupported")
        assert len(asked.bodies) == 2
