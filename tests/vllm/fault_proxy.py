"""A proxy in front of a real server that spoils the first requests as a test tells it, and forwards the others."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

from tests.faulty_server import Answer, Asked, serving

Fault: TypeAlias = Literal["hang", "500", "503", "429", "garbage", "half"]
Edit: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
SECONDS = 600.0  # that a test may last


@contextmanager
def proxy(root: str, faults: Iterable[Fault] = (), edit: Edit = dict) -> Iterator[Asked]:
    """Stand before the server at `root`. faults: one a request, in the order in which requests come; edit: of bodies.

    `half` sends half of the real answer under its full length, `429` asks for a pause of a second.
    """
    left = deque(faults)
    ended = threading.Event()

    def answer(body: dict[str, Any], before: int) -> Answer:
        try:
            fault = left.popleft()
        except IndexError:
            return forwarded(body, before)
        if fault == "hang":
            ended.wait(SECONDS)
            return Answer()
        if fault == "half":
            whole = forwarded(body, before)
            return Answer(whole.status, whole.body, cut=True)
        if fault == "garbage":
            return Answer(body=b"<html>502 Bad Gateway</html>")
        return Answer(int(fault), b"not now", {"Retry-After": "1"} if fault == "429" else {})

    def forwarded(body: dict[str, Any], before: int) -> Answer:
        headers = {name: asked.headers[before][name] for name in ("content-type", "authorization")}
        request = urllib.request.Request(root + asked.paths[before], json.dumps(edit(body)).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as given:
                return Answer(given.status, given.read())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.read())

    with serving(answer) as asked:
        try:
            yield asked
        finally:
            ended.set()
