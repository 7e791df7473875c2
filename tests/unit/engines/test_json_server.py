from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from typing import Any

import pytest

from synpref.engines import json_server
from synpref.engines.failure import ENGINE_UNREACHABLE, SERVER_REFUSED, Failure
from synpref.engines.json_server import JsonServer
from synpref.errors import EngineError, InputError
from tests.faulty_server import Answer, serving

BODIES = [{"n": number} for number in range(6)]
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"of": 0}'
BODY = ANSWER.index(b"{")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_server, "_LONGEST_PAUSE", 0.01)


def _echo(body: dict[str, Any], before: int) -> Answer:
    return Answer.of({"of": body["n"]})


def test_answers_come_in_the_order_of_the_bodies_however_long_each_takes() -> None:
    def slow_first(body: dict[str, Any], before: int) -> Answer:
        time.sleep(0.2 if body["n"] == 0 else 0)
        return _echo(body, before)

    with serving(slow_first) as asked:
        assert JsonServer(asked.url).post_all("/x", BODIES) == [{"of": n} for n in range(6)]
        assert set(asked.paths) == {"/v1/x"}
        assert JsonServer(asked.url).post_all("/x", []) == []


def test_no_more_requests_are_under_way_than_told() -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def counted(body: dict[str, Any], before: int) -> Answer:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with lock:
            under_way -= 1
        return _echo(body, before)

    with serving(counted) as asked:
        JsonServer(asked.url, concurrency=2).post_all("/x", BODIES)
    assert most == 2


@pytest.mark.parametrize("status", [408, 429, 500, 501, 503, 529, 599])
def test_a_busy_server_is_asked_again(status: int) -> None:
    with serving(lambda body, before: Answer(status) if before < 2 else _echo(body, before)) as asked:
        assert JsonServer(asked.url).post_all("/x", BODIES[:1]) == [{"of": 0}]
        assert len(asked.bodies) == 3


def test_the_pause_that_a_server_asks_for_is_kept() -> None:
    def busy(body: dict[str, Any], before: int) -> Answer:
        return _echo(body, before) if before else Answer(429, headers={"Retry-After": "1"})

    with serving(busy) as asked:
        started = time.monotonic()
        JsonServer(asked.url).post_all("/x", BODIES[:1])
        assert time.monotonic() - started >= 1


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refused_request_is_not_sent_again_and_costs_no_neighbour(status: int) -> None:
    def refusing(body: dict[str, Any], before: int) -> Answer:
        return Answer(status, b"too long") if body["n"] == 1 else _echo(body, before)

    with serving(refusing) as asked:
        answers = JsonServer(asked.url).post_all("/x", BODIES)
        assert len(asked.bodies) == len(BODIES)
    assert answers[1] == Failure(SERVER_REFUSED, f"status {status}: too long")
    assert [answer for n, answer in enumerate(answers) if n != 1] == [{"of": n} for n in range(6) if n != 1]


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_what_no_request_would_survive_stops_all(status: int) -> None:
    with (
        serving(lambda body, before: Answer(status, b"no such model")) as asked,
        pytest.raises(EngineError, match=f"/v1/x: status {status}: no such model"),
    ):
        JsonServer(asked.url, concurrency=1).post_all("/x", BODIES)
    assert len(asked.bodies) < len(BODIES)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Answer(body=b"<html>"), ENGINE_UNREACHABLE),
        (Answer(body=b"[1]"), ENGINE_UNREACHABLE),
        (Answer(204), ENGINE_UNREACHABLE),
        (Answer(body=b'{"of": 1}', cut=True), ENGINE_UNREACHABLE),
        *((Answer(status, b"busy"), ENGINE_UNREACHABLE) for status in (408, 429, 500, 501, 503, 529, 599)),
        *((Answer(status, b"wrong"), SERVER_REFUSED) for status in (400, 413, 422)),
    ],
)
def test_what_the_row_caused_is_told_from_what_was_lost_on_the_way(wrong: Answer, reason: str) -> None:
    with serving(lambda body, before: wrong if body["n"] == 1 else _echo(body, before)) as asked:
        answers = JsonServer(asked.url, retries=1).post_all("/x", BODIES[:3])
    assert isinstance(answers[1], Failure)
    assert answers[1].reason == reason
    assert [answers[0], answers[2]] == [{"of": 0}, {"of": 2}]


def test_an_answer_that_takes_too_long_is_lost_on_the_way() -> None:
    def slow(body: dict[str, Any], before: int) -> Answer:
        time.sleep(0.5 if body["n"] == 1 else 0)
        return _echo(body, before)

    with serving(slow) as asked:
        first, second = JsonServer(asked.url, timeout=0.2, retries=0).post_all("/x", BODIES[:2])
    assert first == {"of": 0}
    assert second == Failure(ENGINE_UNREACHABLE, "no answer after 1 attempts: ReadTimeoutError")


@contextmanager
def dripping(fast: int) -> Iterator[tuple[str, list[int]]]:
    """A server whose answers come byte by byte behind the first `fast` bytes: its address, and its clients' ports."""
    listener, clients = socket.create_server(("127.0.0.1", 0)), list[int]()

    def serve() -> None:
        with suppress(OSError):  # the test is over
            while True:
                connection, (_, port) = listener.accept()
                clients.append(port)
                with connection, connection.makefile("rb") as requests, suppress(OSError):  # a client gave up
                    while _skipped(requests):
                        connection.sendall(ANSWER[:fast])
                        for place in range(fast, len(ANSWER)):
                            time.sleep(0.02)
                            connection.sendall(ANSWER[place : place + 1])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", clients
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _skipped(requests: BufferedReader) -> bool:
    """Whether there was one more request."""
    length = 0
    for line in iter(requests.readline, b"\r\n"):
        if not line:
            return False
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return len(requests.read(length)) == length


@pytest.mark.parametrize("fast", [0, BODY], ids=["from its first byte", "from the body on"])
def test_an_answer_of_which_each_byte_comes_in_time_and_the_last_one_not_is_lost(fast: int) -> None:
    with dripping(fast) as (url, _):
        (answer,) = JsonServer(url, timeout=0.1, retries=1).post_all("/x", BODIES[:1])
        assert answer == Failure(ENGINE_UNREACHABLE, "no answer after 2 attempts: ReadTimeoutError")


def test_slow_answers_that_are_whole_in_time_come_over_one_connection() -> None:
    with dripping(BODY) as (url, clients):
        assert JsonServer(url, timeout=60, concurrency=1).post_all("/x", BODIES[:2]) == [{"of": 0}] * 2
        assert len(clients) == 1


def test_half_an_answer_is_asked_for_again() -> None:
    with serving(lambda body, before: Answer(body=b'{"of": 0}', cut=not before)) as asked:
        assert JsonServer(asked.url).post_all("/x", BODIES[:1]) == [{"of": 0}]


def test_a_server_that_hangs_or_fails_for_all_stops_the_job() -> None:
    def hangs(body: dict[str, Any], before: int) -> Answer:
        time.sleep(0.5)
        return _echo(body, before)

    with (
        serving(hangs) as asked,
        pytest.raises(EngineError, match=r"all of 4 requests failed.*2 attempts: ReadTime"),
    ):
        JsonServer(asked.url, concurrency=2, timeout=0.1, retries=1).post_all("/x", BODIES)
    with serving(lambda body, before: Answer(500)) as asked, pytest.raises(EngineError, match="status 500"):
        JsonServer(asked.url, concurrency=2, retries=1).post_all("/x", BODIES)


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_few_rows_that_are_lost_each_time_do_not_stop_the_job(concurrency: int) -> None:
    """As what one run lost comes to the next: alone, without the rows that were answered."""
    with serving(lambda body, before: Answer(503)) as asked:
        answers = JsonServer(asked.url, concurrency=concurrency, retries=0).post_all("/x", BODIES[:3])
    assert [isinstance(answer, Failure) and answer.reason for answer in answers] == [ENGINE_UNREACHABLE] * 3


def test_where_nothing_answers_is_told() -> None:
    with serving(_echo) as asked:
        url = asked.url
    with pytest.raises(EngineError, match="nothing answers there"):
        JsonServer(url, retries=1).post_all("/x", BODIES[:1])  # also for one row


@pytest.mark.parametrize("url", ["http://me:hidden@host/v1", "https://host/v1?key=hidden"])
def test_an_address_that_holds_a_secret_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(InputError, match="may hold no secret") as told:
        JsonServer(url).post_all("/x", BODIES)
    assert "hidden" not in str(told.value)


def test_a_server_that_answers_nobody_is_given_up_before_all_have_been_asked() -> None:
    many = [{"n": number} for number in range(100)]
    with serving(lambda body, before: Answer(500)) as asked, pytest.raises(EngineError, match="all of 4 requests"):
        JsonServer(asked.url, concurrency=2, retries=0).post_all("/x", many)
    assert len(asked.bodies) < 20


def test_a_server_that_stops_answering_half_way_is_given_up_too() -> None:
    many = [{"n": number} for number in range(100)]
    with (
        serving(lambda body, before: _echo(body, before) if before < 30 else Answer(503)) as asked,
        pytest.raises(EngineError, match="all of 4 requests"),
    ):
        JsonServer(asked.url, concurrency=2, retries=0).post_all("/x", many)
    assert 30 < len(asked.bodies) < 60


def _breaks(*numbers: int) -> Callable[[dict[str, Any], int], Answer]:
    return lambda body, before: Answer(500) if body["n"] in numbers else _echo(body, before)


@pytest.mark.parametrize("bad", [range(20, 45), range(25), range(59)], ids=["amid", "first", "all but the last"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_rows_side_by_side_that_the_server_breaks_on_are_lost_and_the_others_answered(
    bad: range, concurrency: int
) -> None:
    """As those about one conversation, in the order in which judges are asked."""
    many = [{"n": number} for number in range(60)]
    with serving(_breaks(*bad)) as asked:
        answers = JsonServer(asked.url, concurrency=concurrency, retries=0).post_all("/x", many)
    lost = [place for place, answer in enumerate(answers) if isinstance(answer, Failure)]
    assert lost == list(bad)
    assert {answer.reason for answer in answers if isinstance(answer, Failure)} == {ENGINE_UNREACHABLE}
    again = len(asked.bodies) - len(many)
    assert 1 <= again <= len(bad) // 4, "a request that was answered is sent again once a block of lost ones"


def test_what_was_answered_before_tells_that_the_server_lives_where_all_others_are_lost() -> None:
    with serving(_breaks(*range(1, 30))) as asked:
        server = JsonServer(asked.url, concurrency=2, retries=0)
        server.post_all("/x", [{"n": 0}])
        answers = server.post_all("/x", [{"n": number} for number in range(1, 30)])
        assert all(isinstance(answer, Failure) for answer in answers)
        with pytest.raises(EngineError, match="all of 4 requests"):
            server.post_all("/another", [{"n": number} for number in range(1, 30)])
    assert server == JsonServer(asked.url, concurrency=2, retries=0)


def test_the_key_is_read_from_the_environment_and_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(_echo) as asked:
        server = JsonServer(asked.url, key_variable="SOME_KEY")
        monkeypatch.delenv("SOME_KEY", raising=False)
        with pytest.raises(InputError, match="SOME_KEY holds no usable key"):
            server.post_all("/x", BODIES)
        monkeypatch.setenv("SOME_KEY", "se\nsame")
        with pytest.raises(InputError, match="no usable key") as told:
            server.post_all("/x", BODIES)
        assert "same" not in str(told.value)
        monkeypatch.setenv("SOME_KEY", "sesame\n")
        server.post_all("/x", BODIES[:1])
        assert asked.headers[0]["authorization"] == "Bearer sesame"
    assert "sesame" not in repr(server)


def test_half_a_character_in_an_answer_is_a_question_mark_since_no_table_holds_it() -> None:
    wrong = rb'{"a\udc00": ["\ud83d", {"b": "\ud83d\ude00 \ude00"}], "n": [1, null, 0.5]}'
    with serving(lambda body, before: Answer(body=wrong)) as asked:
        answers = JsonServer(asked.url).post_all("/x", BODIES[:1])
    assert answers == [{"a?": ["?", {"b": "\U0001f600 ?"}], "n": [1, None, 0.5]}]


def test_an_answer_that_is_nested_without_end_is_none() -> None:
    with serving(lambda body, before: Answer(body=b'{"a": ' + b"[" * 100_000)) as asked:
        (answer,) = JsonServer(asked.url).post_all("/x", BODIES[:1])
    assert isinstance(answer, Failure)
    assert answer.reason == ENGINE_UNREACHABLE


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http:///v1", ""])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(InputError, match="no address of a server"):
        JsonServer(url).post_all("/x", BODIES)
