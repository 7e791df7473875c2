"""Where a task computes: on the GPU that Spark gave it, on one that the settings name, or as the engine finds best."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from synpref.inference import loaded
from synpref.inference.spec import EngineSpec
from synpref.inference.tenancy import computing_on, lock_file, locked

_LOG = logging.getLogger(__name__)
_POLL = 0.1  # seconds between two looks at GPUs that are all taken
_SAID_AFTER = 30.0  # seconds of waiting
_DEVICES = Path("/dev")


@contextmanager
def placed(spec: EngineSpec, *, alone: bool = True) -> Iterator[EngineSpec]:
    """The spec as this task computes it, for as long as the task does.

    On a GPU its engine runs in a process of its own, which stays for this worker's next task there until another
    worker has a task on that GPU (see tenancy). The GPU is the one that Spark gave the task; else one of the option
    `gpus`; else, where this machine has any, one of those that this process may see. alone: False for a task that must
    not wait for another's GPU: it takes none but Spark's.
    """
    named = (spec.text("gpus") or ",".join(visible_gpus())) if spec.takes_gpu and alone else None
    with task_gpu(named, first=loaded.gpus_of(spec)) as gpu:
        if gpu is None or not spec.takes_gpu:
            yield spec
            return
        with computing_on(gpu):
            yield spec.having(gpu=gpu, process=True)


@contextmanager
def task_gpu(named: str | None, *, first: Sequence[str] = ()) -> Iterator[str | None]:
    """The GPU of this task, as CUDA_VISIBLE_DEVICES has it: Spark's, else one of `named` (joined by ','), else None.

    first: those to try before the others.
    """
    given = given_gpu()
    if given is not None or not named:
        yield given
        return
    addresses = named.split(",")
    with free_gpu(sorted(addresses, key=lambda address: address not in first)) as gpu:
        yield gpu


def given_gpu() -> str | None:
    """The addresses of the GPU that Spark gave this task, joined by ','; None where it gave none."""
    from pyspark import TaskContext

    task = TaskContext.get()
    given = None if task is None else task.resources().get("gpu")
    return None if given is None else ",".join(given.addresses)


def visible_gpus() -> list[str]:
    """Addresses of the NVIDIA GPUs that a process started here would see. CUDA is not asked: that would open them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [address.strip() for address in named.split(",") if address.strip() not in ("", "-1")]
    devices = [device for device in _DEVICES.glob("nvidia*") if device.name.removeprefix("nvidia").isdigit()]
    return [str(number) for number in range(len(devices))]


@contextmanager
def free_gpu(addresses: Sequence[str]) -> Iterator[str]:
    """One of this machine's GPUs for this process alone; waits for a free one. Where it dies, that is free too."""
    since: float | None = time.monotonic()
    while True:
        for address in addresses:
            lock = locked(lock_file(address, ""))
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
