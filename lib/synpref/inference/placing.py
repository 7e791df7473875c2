"""Where a task computes: on the GPU that Spark gave it, on one that the settings name, or as the engine finds best."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from synpref.inference import loaded
from synpref.inference.spec import EngineSpec

_LOG = logging.getLogger(__name__)
_POLL = 0.1  # seconds between two looks at GPUs that are all taken
_SAID_AFTER = 30.0  # seconds of waiting


@contextmanager
def placed(spec: EngineSpec) -> Iterator[EngineSpec]:
    """The spec as this task computes it, for as long as the task does.

    On a GPU that Spark gave, its engine runs in a process of its own that stays for the next task. On one of the
    option `gpus` it does too, but ends with the task: another worker may have that GPU next. Tasks of one user whose
    workers share a folder for temporary files keep out of each other's way.
    """
    with task_gpu(spec.text("gpus") if spec.takes_gpu else None) as gpu:
        if gpu is None:
            yield spec
            return
        own = spec.having(gpu=gpu, process=True)
        try:
            yield own
        finally:
            if given_gpu() is None:
                loaded.end(own)


@contextmanager
def task_gpu(named: str | None) -> Iterator[str | None]:
    """The GPU of this task, as CUDA_VISIBLE_DEVICES has it: Spark's, else one of `named` (joined by ','), else None."""
    given = given_gpu()
    if given is not None or not named:
        yield given
        return
    with free_gpu(named.split(",")) as gpu:
        yield gpu


def given_gpu() -> str | None:
    """The addresses of the GPU that Spark gave this task, joined by ','; None where it gave none."""
    from pyspark import TaskContext

    task = TaskContext.get()
    given = None if task is None else task.resources().get("gpu")
    return None if given is None else ",".join(given.addresses)


@contextmanager
def free_gpu(addresses: Sequence[str]) -> Iterator[str]:
    """One of this machine's GPUs for this process alone; waits for a free one. Where it dies, that is free too."""
    since: float | None = time.monotonic()
    while True:
        for address in addresses:
            lock = _locked(address)
            if lock is not None:
                try:
                    yield address
                finally:
                    os.close(lock)
                return
        time.sleep(_POLL)
        if since is not None and time.monotonic() - since > _SAID_AFTER:
            _LOG.warning("still waiting for one of the GPUs %s; other tasks hold them all", ", ".join(addresses))
            since = None


def _locked(address: str) -> int | None:
    """A locked file that stands for the GPU; None where another process has it."""
    name = f"synpref-gpu-{os.getuid()}-{address.replace('/', '_')}.lock"
    file = os.open(Path(tempfile.gettempdir(), name), os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file
