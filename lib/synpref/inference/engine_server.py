"""What runs in the process of an engine: it answers one client after the other, and ends with the executor."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import BinaryIO

import pyarrow as pa

from synpref.engines.processes import Process
from synpref.errors import DeviceError, EngineError, InputError, SynprefError
from synpref.inference import loaded
from synpref.inference.adapters.outcomes import Ready
from synpref.inference.messages import ANSWER, ERROR, greet, packed, received, send, unpacked
from synpref.inference.prefetch import ahead
from synpref.inference.spec import EngineSpec


def serve(listener: socket.socket) -> None:
    """Answer the clients that connect, one at a time, until none came for as long as the listener's timeout."""
    server = _Server()
    with suppress(TimeoutError):
        while True:
            client, _ = listener.accept()
            with client:
                server.serve(client)


class _Server:
    """The engine is loaded at the first window, in the thread that computes."""

    def __init__(self) -> None:
        self._stands = False
        self._preparing = threading.Lock()  # the thread that read for the client before may not have ended yet

    def serve(self, client: socket.socket) -> None:
        """Answer a client's windows until it leaves; what it sent and did not wait for is dropped."""
        source = client.makefile("rb")
        try:
            greet(client)
            kind, name, model_path, options = json.loads(received(source))
            spec = EngineSpec.of(kind, name, model_path, **dict(options))
            with closing(ahead(self._windows(spec, source))) as windows:
                for window, ready in windows:
                    if _left(client):
                        break
                    send(client, self._told(spec, window, ready))
        except (EOFError, ConnectionError):
            pass
        finally:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it

    def _windows(self, spec: EngineSpec, source: BinaryIO) -> Iterator[tuple[pa.RecordBatch, Ready | None]]:
        with suppress(EOFError, ConnectionError):
            while True:
                window = unpacked(received(source))
                ready = None
                if self._stands:
                    with self._preparing, suppress(Exception):  # told where the window is answered
                        ready = loaded.prepare(spec, window)
                yield window, ready

    def _told(self, spec: EngineSpec, window: pa.RecordBatch, ready: Ready | None) -> bytes:
        """The answers to a window, or why there are none."""
        try:
            answers = ANSWER + packed(loaded.answer(spec, window, ready))
        except Exception as error:
            told = str(error) if isinstance(error, SynprefError) else f"{type(error).__name__}: {error}"
            kinds = (kind for kind in (InputError, DeviceError) if isinstance(error, kind))
            return ERROR + json.dumps([next(kinds, EngineError).__name__, told]).encode()
        self._stands = True
        return answers


def _left(client: socket.socket) -> bool:
    events = select.poll()
    events.register(client, 0)  # that the other side is gone is told without asking
    return bool(events.poll(0))


def _end_with(owner: Process) -> None:
    owner.wait()
    _end()


def _end() -> None:
    """End this process and all that it started, at once, whatever they do."""
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """The words of the command: the path of the seat (see tenancy), the listening socket, how many seconds to wait for
    a client, and the process to end with.
    """
    _, listening, idle, pid, started = sys.argv[1:]
    threading.Thread(target=_end_with, args=[Process(int(pid), int(started))], daemon=True).start()
    with socket.socket(fileno=int(listening)) as listener:
        listener.set_inheritable(False)  # what an engine starts must not keep it open
        listener.settimeout(float(idle))
        serve(listener)
    _end()


if __name__ == "__main__":
    main()
