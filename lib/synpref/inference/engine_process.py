"""An engine in a process of its own: the Spark worker never touches the GPU, and a crash costs one window of rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import astuple, dataclass
from socket import SHUT_RDWR, socket
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from synpref.engines.processes import Process
from synpref.engines.tenancy import SERVER, Seat, Tenant, end, seated
from synpref.errors import DeviceError, EngineError, InputError
from synpref.inference.deadly_rows import EngineDiedError, without_deadly_rows
from synpref.inference.messages import ERROR, connected, greeted, listening, packed, received, send, unpacked
from synpref.inference.owner import tenant_of

if TYPE_CHECKING:
    from synpref.inference.spec import EngineSpec

# How long a process waits for a client. Between two tasks of a slot lie the rest of the slowest task, the commit of the
# shard, and the shuffle and start of the next: minutes at most. Spark ends an idle Python worker after one. For longer,
# the GPU's memory may be wanted by what knows nothing of us.
IDLE_SECONDS = 900.0
# How long a client waits for a process that still computes for one that is gone: then loading anew is about as quick.
PATIENCE_SECONDS = 60.0
_KINDS = {kind.__name__: kind for kind in (InputError, EngineError, DeviceError)}


@dataclass(frozen=True)
class _Link:
    """The one connection to a process. lock: of its seat (see tenancy)."""

    engine: Process
    connection: socket
    source: BinaryIO
    lock: int

    def close(self) -> None:
        self.source.close()
        self.connection.close()
        os.close(self.lock)


class EngineProcess:
    """The engine of a spec behind a socket, for one client at a time.

    The process is sought at the first window, and started where there is none. It belongs to the executor (see owner):
    it goes on where this worker ends, and answers the next client without loading again, until the executor ends or
    nobody asked it for IDLE_SECONDS.
    """

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._tenant: Tenant | None = None  # kept: once the executor is gone it cannot be found again
        self._link: _Link | None = None
        self._child: subprocess.Popen[bytes] | None = None  # the last process that was started here
        self._starts = 0
        self._sent: deque[pa.RecordBatch] = deque()  # sent and not answered
        self._sending = threading.Lock()
        self._lost_window = False  # of the last window no row was answered

    @property
    def pid(self) -> int | None:
        """The process that answers this client; None before the first window."""
        link = self._link
        return None if link is None else link.engine.pid

    def answer(self, window: pa.RecordBatch) -> pa.RecordBatch:
        """The answers to the window (see answered); where the process dies over it, or its device breaks, a new one is
        asked once more, and then for less, until the rows that it dies over are known (see deadly_rows).

        Raises what the engine raises (EngineError, InputError); EngineError where it dies over everything.
        """
        before = self._starts
        while self._starts < before + 2:  # one that stood before may have been ended while idle (see tenancy)
            with suppress(EngineDiedError):
                answers = self._survived(window)
                self._lost_window = False
                return answers
        answers = without_deadly_rows(self._spec, window, self._survived, patient=not self._lost_window)
        self._lost_window = answers.column("error").null_count == 0
        return answers

    def prepare(self, window: pa.RecordBatch) -> None:
        """Send what `answer` will be asked next, from any thread, so that the process reads and tokenises it by then.

        Nothing where there is no process yet; one that is dead shows in `answer`.
        """
        with self._sending, suppress(ConnectionError):
            link = self._link  # read once: another thread takes it before it waits for the lock
            if link is not None:
                self._send(link, window)

    def leave(self) -> None:
        """Let the process wait for its next client, which may be this one."""
        self._parted()

    def close(self) -> int | None:
        """End the process that answers this client; its exit code, None where another client started it."""
        link, child = self._parted(ending=True), self._child
        return child.wait() if link is not None and child is not None and child.pid == link.engine.pid else None

    def _parted(self, *, ending: bool = False) -> _Link | None:
        link, self._link = self._link, None
        if link is None:
            return None
        if ending:
            end(link.engine)
        with suppress(OSError):
            link.connection.shutdown(SHUT_RDWR)  # wakes a thread that waits for room to send
        with self._sending:
            self._sent.clear()
            link.close()
        return link

    def _survived(self, window: pa.RecordBatch) -> pa.RecordBatch:
        """As _asked; EngineDiedError, and no process, where it died, its device broke, or it has no time."""
        try:
            return self._asked(window)
        except DeviceError as error:
            self.close()
            raise EngineDiedError(str(error)) from error
        except (EOFError, ConnectionError, TimeoutError):
            code = self.close()
            told = "it ended" if code is None else f"exit code {code}; -9 is often a lack of memory"
            raise EngineDiedError(told) from None

    def _asked(self, window: pa.RecordBatch) -> pa.RecordBatch:
        with self._sending:
            link = self._linked()
            if not any(sent is window for sent in self._sent):
                self._send(link, window)
        while True:  # a task that ended early leaves windows that nobody asks for any more
            given = received(link.source)
            if self._sent.popleft() is window:
                break
        if given[:1] == ERROR:
            kind, text = json.loads(given[1:])
            raise _KINDS[kind](text)
        return unpacked(given[1:])

    def _send(self, link: _Link, window: pa.RecordBatch) -> None:
        send(link.connection, packed(window))
        self._sent.append(window)

    def _linked(self) -> _Link:
        link = self._link
        if link is None:
            starts = self._starts
            self._tenant = tenant = self._tenant or tenant_of(self._spec)
            with seated(tenant) as seat:
                self._link = link = _found(seat) or self._started(seat, tenant)
            greeted(link.connection, PATIENCE_SECONDS if self._starts == starts else None)
            send(link.connection, json.dumps(astuple(self._spec)).encode())
        return link

    def _started(self, seat: Seat, tenant: Tenant) -> _Link:
        owner = [str(tenant.owner.pid), str(tenant.owner.started)]
        with listening(seat.socket) as listener:
            file = listener.fileno()
            # a session of its own: what ends this worker by its group does not end the process
            self._child = subprocess.Popen(
                [sys.executable, "-m", SERVER, str(seat.path), str(file), str(IDLE_SECONDS), *owner],
                stdin=subprocess.DEVNULL, stdout=2, start_new_session=True, pass_fds=[file],
                env=child_environment(tenant.gpu),
            )  # fmt: skip
            self._starts += 1
            link = _found(Seat(seat.path, seat.lock, Process.of(self._child.pid)))
        if link is None:
            raise EngineError(f"the process of engine {self._spec.name} cannot be reached at {seat.socket}")
        return link


def _found(seat: Seat) -> _Link | None:
    """The connection to the process that stands there; one that takes none is ended."""
    if seat.engine is None:
        return None
    connection = connected(seat.socket)
    if connection is None:
        end(seat.engine)
        return None
    return _Link(seat.engine, connection, connection.makefile("rb"), seat.lock)


def child_environment(gpu: str | None) -> dict[str, str]:
    """The environment of a process that a worker starts. gpu: addresses that it sees, as of CUDA_VISIBLE_DEVICES; None:
    those of the worker.
    """
    # what Spark shipped to this worker (--py-files) must be found there too
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return given if gpu is None else {**given, "CUDA_VISIBLE_DEVICES": gpu}
