"""Whose engine holds a GPU: one that waits for its worker's next task makes room for one that has a task.

Spark and the settings say which task may compute on a GPU, not which worker runs it: an engine that stayed for the next
task would keep memory from another worker's. So each worker holds a locked file for a GPU that it computes on, and in
it the process of its engine there; a file without lock names an engine that may end. Workers whose folder for temporary
files differs do not see each other.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOG = logging.getLogger(__name__)
_PATIENCE = 30.0  # seconds for a killed process to give its memory back
_POLL = 0.05


@contextmanager
def computing_on(gpu: str) -> Iterator[None]:
    """A task of this process computes on the GPU; the idle engines of other workers there are ended before.

    gpu: its addresses, as of CUDA_VISIBLE_DEVICES. Raises OSError where the folder for temporary files takes no file.
    """
    own = _file(gpu, os.getpid())
    until = time.monotonic() + _PATIENCE
    while (lock := locked(own)) is None:  # another worker is ending this one's idle engine
        if time.monotonic() > until:
            raise BlockingIOError(f"{own} is locked by another process of this number")
        time.sleep(_POLL)
    try:
        for other in own.parent.glob(own.name.replace(f"-{os.getpid()}.", "-*.")):
            if other != own:
                _end_idle(other)
        yield
    finally:
        os.close(lock)


def tell_engine(gpu: str, process: int) -> None:
    """Record the process of this worker's engine on the GPU, so that others may end it while this one has no task."""
    _file(gpu, os.getpid()).write_text(str(process))


def locked(path: Path) -> int | None:
    """The open and locked file; None where another process, or another opening of this one, holds it."""
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def lock_file(gpu: str, holder: str) -> Path:
    """A file of this user that stands for the GPU."""
    return Path(tempfile.gettempdir(), f"synpref-gpu-{os.getuid()}-{gpu.replace('/', '_')}{holder}.lock")


def _file(gpu: str, worker: int) -> Path:
    return lock_file(gpu, f"-worker-{worker}")


def _end_idle(file: Path) -> None:
    """End the engine that an unlocked file names, and remove the file."""
    lock = locked(file)
    if lock is None:
        return  # its worker computes: Spark gave both a share of the GPU
    try:
        worker = int(file.stem.rpartition("-")[2])
        told = file.read_text().strip()
        if told and _is_engine(int(told), worker):
            _LOG.info("process %s holds the GPU for worker %d, which has no task; ending it", told, worker)
            os.kill(int(told), signal.SIGKILL)
            _wait_for(int(told), worker)
        file.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _is_engine(process: int, worker: int) -> bool:
    """Whether the process is still the engine that the worker started, and no later one of the same number."""
    words = b""
    with suppress(OSError):
        words = Path(f"/proc/{process}/cmdline").read_bytes()  # empty for one that has ended
    return words.endswith(f"\0{worker}\0".encode()) and b"synpref.inference" in words


def _wait_for(process: int, worker: int) -> None:
    until = time.monotonic() + _PATIENCE
    while _is_engine(process, worker) and time.monotonic() < until:
        time.sleep(_POLL)
