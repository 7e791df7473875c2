"""HTTP connections whose time-out holds for a whole answer, where urllib3's begins anew with each byte that comes."""

from __future__ import annotations

import time
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from typing import TYPE_CHECKING

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def keep_to_time(pool: PoolManager) -> None:
    """Let answers to requests of the pool be whole, status line to last byte, within their read time-out."""
    pool.pool_classes_by_scheme = {"http": _TimedPool, "https": _TimedTlsPool}


class _Arriving(RawIOBase):
    """What the other side sends, until the time-out that the socket has now is over: then TimeoutError is raised."""

    def __init__(self, sock: socket) -> None:
        super().__init__()
        seconds = sock.gettimeout()
        self._until = None if seconds is None else time.monotonic() + seconds
        self._sock = sock
        self._bytes = sock.makefile("rb", buffering=0)  # which keeps the socket open while it is read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer was not whole in time")
            self._sock.settimeout(left)
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        untimed = self.fp
        self.fp = BufferedReader(_Arriving(sock))
        untimed.close()


class _TimedConnection(HTTPConnection):
    response_class = _TimedResponse


class _TimedTlsConnection(HTTPSConnection):
    response_class = _TimedResponse


class _TimedPool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TimedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTlsConnection
