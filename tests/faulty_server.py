"""A server on loopback that answers, or fails, as a test tells it, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """status; body: sent as it is; headers: further ones; cut: the connection ends after half of the body."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False

    @classmethod
    def of(cls, value: object) -> Answer:
        """Status 200 and the value as JSON."""
        return cls(body=json.dumps(value).encode())


@dataclass
class Asked:
    """Requests in the order in which they came: path, JSON body, headers."""

    url: str
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[dict[str, Any], int], Answer]) -> Iterator[Asked]:
    """Serve POST requests on a free port of loopback. answer: of the body and how many requests came before it."""
    lock = threading.Lock()

    class Replies(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                before = len(asked.bodies)
                asked.paths.append(self.path)
                asked.bodies.append(body)
                asked.headers.append({name.lower(): value for name, value in self.headers.items()})
            given = answer(body, before)
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body[: len(given.body) // 2] if given.cut else given.body)
            self.close_connection = given.cut

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Replies)
    server.daemon_threads = True
    asked = Asked(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
