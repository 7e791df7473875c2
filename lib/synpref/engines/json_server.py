"""A server that answers JSON over HTTP: many requests at once, patient with a busy one, firm with a wrong one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError

from synpref.engines.failure import DETAIL_CHARACTERS, ENGINE_UNREACHABLE, OVERLONG, SERVER_REFUSED, Failure
from synpref.engines.whole_answer import keep_to_time
from synpref.errors import EngineError, InputError

# What may pass when asked again later: a time-out (which 408 is), overload, and all that goes wrong over there.
_AGAIN = (408, 429, *range(500, 600))
# No other request would fare better: a wrong key, address or model.
_OF_ALL = (401, 402, 403, 404, 405)
_LONGEST_PAUSE = 60.0
_CONNECT_SECONDS = 10.0
_FEW = 4  # lost in a row by a server that lives, also where requests go one by one
_TOO_LONG = ("context length", "context_length", "context size", "context_size")
_UNREACHABLE = ("NewConnection", "NameResolution", "ConnectTimeout")


@dataclass(frozen=True)
class JsonServer:
    """url: what stands before the paths, for example http://host:8000/v1. concurrency: requests at once, at most.

    timeout: seconds for one answer, to its last byte. retries: how often a request is sent again after a time-out, a
    broken connection or a status of time-out (408), overload (429) or of the server's own trouble (5xx), with growing
    pauses, or the pause that the server asks for; never after another 4xx.
    key_variable: the environment variable that holds the key; None for a server that asks for none.
    """

    url: str
    concurrency: int = 8
    timeout: float = 120.0
    retries: int = 5
    key_variable: str | None = None
    # of each path the last body that was answered: where nothing else is any more, it tells whether the server lives
    _answered: dict[str, Mapping[str, Any]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def post_all(self, path: str, bodies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | Failure]:
        """The answer to each body, in order, or why there is none: `server_refused` where the server called this body
        wrong, `overlong` where it said that the body does not fit into its context, as an engine here would refuse by
        policy, `engine_unreachable` where after all retries the connection, the time, the server's load or its own
        trouble was to blame, or where it answered no JSON object, as a gateway does for a server that is away.

        Raises EngineError where no request can succeed: nothing answers there, the key or the address is wrong, or of
        two rounds of bodies (at least four) none was answered and none refused, nor was then one that this server
        answered before (where there is none, the last of `bodies`). InputError for a URL that is none, and where the
        key's variable is empty.
        """
        if not bodies:
            return []
        headers = self._headers()
        retry = urllib3.Retry(
            total=self.retries, status_forcelist=_AGAIN, allowed_methods=None, raise_on_status=False, redirect=0,
            backoff_factor=0.5, backoff_max=_LONGEST_PAUSE, backoff_jitter=0.5, respect_retry_after_header=True,
            retry_after_max=int(max(1, _LONGEST_PAUSE)),
        )  # fmt: skip
        workers = min(self.concurrency, len(bodies))
        timeout = urllib3.Timeout(connect=min(_CONNECT_SECONDS, self.timeout), read=self.timeout)
        pool = urllib3.PoolManager(maxsize=workers + 1, retries=retry, timeout=timeout)
        keep_to_time(pool)
        threads = ThreadPoolExecutor(workers)
        answers: list[dict[str, Any] | Failure] = []
        lost: list[Failure] = []  # since the last that was not, or since the server was found alive

        def ask(body: Mapping[str, Any]) -> dict[str, Any] | Failure:
            return self._post(pool, path, body, headers)

        try:
            for body, answer in zip(bodies, threads.map(ask, bodies), strict=True):
                answers.append(answer)
                if isinstance(answer, dict):
                    self._answered[path] = body
                lost = [*lost, answer] if _is_lost(answer) else []
                if len(lost) >= max(_FEW, 2 * self.concurrency):
                    self._check_alive(lost, ask(self._answered.get(path, bodies[-1])))
                    lost = []
        finally:
            threads.shutdown(cancel_futures=True)  # after an error of all, what waits is not sent
            pool.clear()
        return answers

    def _check_alive(self, lost: Sequence[Failure], known: dict[str, Any] | Failure) -> None:
        """Raise EngineError where after all of `lost` a body that is no neighbour of theirs was lost as well.

        Rows that break the server may stand side by side (all about one conversation). What a run lost, the next one
        asks for alone. Whether too many rows of a table are lost is judged there.
        """
        if _is_lost(known):
            raise EngineError(f"{self._place}: all of {len(lost)} requests failed, the first: {lost[0].detail}")

    def _post(
        self, pool: urllib3.PoolManager, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> dict[str, Any] | Failure:
        try:
            answer = pool.request("POST", self.url.rstrip("/") + path, json=dict(body), headers=headers)
        except MaxRetryError as error:
            reason = type(error.reason).__name__
            if any(word in reason for word in _UNREACHABLE):
                raise EngineError(f"{self._place}: nothing answers there ({reason}). Start the server.") from None
            return Failure(ENGINE_UNREACHABLE, f"no answer after {self.retries + 1} attempts: {reason}")
        except HTTPError as error:
            return Failure(ENGINE_UNREACHABLE, f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS])
        text = answer.data.decode("utf-8", errors="replace")
        if answer.status in _OF_ALL:
            raise EngineError(f"{self._place}{path}: status {answer.status}: {text[:200]}")
        if answer.status != 200:
            return Failure(_reason(answer.status, text), f"status {answer.status}: {text}"[:DETAIL_CHARACTERS])
        return _json_object(text)

    def check(self) -> None:
        """Ask nothing, but raise InputError for a URL that is none, and where the key's variable is empty."""
        self._headers()

    def _headers(self) -> dict[str, str]:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InputError(f"{self.url!r} is no address of a server; give http://host:port/v1 or https://…")
        if parts.username or parts.password or parts.query:  # addresses are recorded with the settings
            raise InputError(f"{self._place}: an address may hold no secret; name the key's variable in key_variable")
        if self.key_variable is None:
            return {}
        key = os.environ.get(self.key_variable, "").strip()  # secrets are often files that end in a line's end
        if not key or not key.isascii() or not key.isprintable():  # else an error would name it
            raise InputError(f"{self._place}: the environment variable {self.key_variable} holds no usable key; set it")
        return {"Authorization": f"Bearer {key}"}

    @property
    def _place(self) -> str:
        """The address without what may be secret in it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{'' if parts.port is None else f':{parts.port}'}{parts.path}"


def _is_lost(answer: dict[str, Any] | Failure) -> TypeGuard[Failure]:
    return isinstance(answer, Failure) and answer.reason == ENGINE_UNREACHABLE


def _reason(status: int, text: str) -> str:
    """What a bad minute of the server may have caused is lost on the way; a row that breaks it each time stays lost."""
    if status in _AGAIN or not 400 <= status < 500:
        return ENGINE_UNREACHABLE
    return OVERLONG if any(words in text.lower() for words in _TOO_LONG) else SERVER_REFUSED


def _json_object(text: str) -> dict[str, Any] | Failure:
    try:
        found = _encodable(json.loads(text))
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    return Failure(ENGINE_UNREACHABLE, f"the answer is no JSON object: {text}"[:DETAIL_CHARACTERS])


def _encodable(value: object) -> object:
    """The same JSON with a question mark for each lone surrogate, which JSON can spell and no table holds."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return value
