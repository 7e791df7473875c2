"""An engine in a process of its own: the Spark worker never touches the GPU, and a crash costs one window of rows."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from synpref.errors import DeviceError, EngineError, InputError, SynprefError
from synpref.inference.deadly_rows import EngineDiedError, without_deadly_rows
from synpref.inference.tenancy import tell_engine

if TYPE_CHECKING:
    from synpref.inference.adapters.outcomes import Ready
    from synpref.inference.spec import EngineSpec

_LENGTH = struct.Struct(">Q")
_ANSWER, _ERROR = b"A", b"E"
_KINDS = {kind.__name__: kind for kind in (InputError, EngineError, DeviceError)}


class EngineProcess:
    """The engine of a spec behind a pipe. It starts at the first window and ends with the process that started it."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._process: subprocess.Popen[bytes] | None = None
        self._sent: deque[pa.RecordBatch] = deque()  # sent and not answered
        self._sending = threading.Lock()
        self._lost_window = False  # of the last window no row was answered

    @property
    def pid(self) -> int | None:
        """The process that stands now; None before the first window."""
        process = self._process
        return None if process is None else process.pid

    def answer(self, window: pa.RecordBatch) -> pa.RecordBatch:
        """The answers to the window (see answered); where the process dies over it, or its device breaks, a new one is
        asked once more, and then for less, until the rows that it dies over are known (see deadly_rows).

        Raises what the engine raises (EngineError, InputError); EngineError where it dies over everything.
        """
        deaths = 0
        while deaths < 2:
            deaths += self._process is None  # one that stood before may have been ended while idle (see tenancy)
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
        with self._sending, suppress(BrokenPipeError):
            process = self._process  # read once: `close` of another thread takes it before it waits for the lock
            if process is not None:
                self._send(process, window)

    def close(self) -> int | None:
        """End the process; its exit code, None where there was none."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        with self._sending:
            self._sent.clear()
            for pipe in _pipes(process):
                with suppress(BrokenPipeError):  # what it had not read yet
                    pipe.close()
        return process.wait()

    def _survived(self, window: pa.RecordBatch) -> pa.RecordBatch:
        """As _asked; EngineDiedError, and no process, where it died or its device broke."""
        try:
            return self._asked(window)
        except DeviceError as error:
            self.close()
            raise EngineDiedError(str(error)) from error
        except (EOFError, BrokenPipeError):
            raise EngineDiedError(f"exit code {self.close()}; -9 is often a lack of memory") from None

    def _asked(self, window: pa.RecordBatch) -> pa.RecordBatch:
        with self._sending:
            process = self._started()
            if not any(sent is window for sent in self._sent):
                self._send(process, window)
        while True:  # a task that ended early leaves windows that nobody asks for any more
            given = _received(_pipes(process)[1])
            if self._sent.popleft() is window:
                break
        if given[:1] == _ERROR:
            kind, text = json.loads(given[1:])
            raise _KINDS[kind](text)
        return _unpacked(given[1:])

    def _send(self, process: subprocess.Popen[bytes], window: pa.RecordBatch) -> None:
        _send(_pipes(process)[0], _packed(window))
        self._sent.append(window)

    def _started(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is None:
            gpu = self._spec.text("gpu")
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(os.getpid())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment(gpu),
            )  # fmt: skip
            if gpu is not None:
                tell_engine(gpu, process.pid)
            _send(_pipes(process)[0], json.dumps(astuple(self._spec)).encode())
        return process


def child_environment(gpu: str | None) -> dict[str, str]:
    """The environment of a process that a worker starts. gpu: addresses that it sees, as of CUDA_VISIBLE_DEVICES; None:
    those of the worker.
    """
    # what Spark shipped to this worker (--py-files) must be found there too
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return given if gpu is None else {**given, "CUDA_VISIBLE_DEVICES": gpu}


def serve(parent: int) -> None:
    """Answer windows from standard input until it ends; what libraries print goes to standard error.

    parent: process id of the one who started this; when it dies, however it dies, so does this process.
    """
    _die_with(parent)
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _silence_standard_input()
    from synpref.inference import loaded
    from synpref.inference.prefetch import ahead
    from synpref.inference.spec import EngineSpec

    kind, name, model_path, options = json.loads(_received(source))
    spec = EngineSpec.of(kind, name, model_path, **dict(options))

    def windows() -> Iterator[tuple[pa.RecordBatch, Ready | None]]:
        first = True  # the engine is loaded where it computes, and its errors are told there
        with suppress(EOFError):
            while True:
                window = _unpacked(_received(source))
                ready = None
                if not first:
                    with suppress(Exception):  # told where the window is answered
                        ready = loaded.prepare(spec, window)
                first = False
                yield window, ready

    for window, ready in ahead(windows()):
        try:
            given = _ANSWER + _packed(loaded.answer(spec, window, ready))
        except Exception as error:
            told = str(error) if isinstance(error, SynprefError) else f"{type(error).__name__}: {error}"
            kinds = (kind for kind in (InputError, DeviceError) if isinstance(error, kind))
            given = _ERROR + json.dumps([next(kinds, EngineError).__name__, told]).encode()
        _send(sink, given)


def _silence_standard_input() -> None:
    """Helper processes of an engine inherit descriptor 0: none of them may read what is sent to the engine, or hold the
    pipe open.
    """
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _die_with(parent: int) -> None:
    """Linux ends this process with its parent; elsewhere the end of standard input does, after the window in hand."""
    import ctypes

    prctl: Any = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it died before we asked
        sys.exit(0)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    """To the process, and from it."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process was started without pipes")
    return process.stdin, process.stdout


def _packed(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _unpacked(content: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(content) as reader:
        return reader.read_next_batch()


def _send(pipe: IO[bytes], content: bytes) -> None:
    pipe.write(_LENGTH.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def _received(pipe: IO[bytes]) -> bytes:
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return content


if __name__ == "__main__":
    serve(int(sys.argv[1]))
