"""Where a task computes: on the GPU that Spark gave it, on one that the settings name, or as the engine finds best."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from synpref.engines.tenancy import gpu_lock, locked, stood
from synpref.inference import loaded
from synpref.inference.owner import tenant_of
from synpref.inference.spec import EngineSpec

_LOG = logging.getLogger(__name__)
_POLL = 0.1  # seconds between two looks at GPUs that are all taken
_SAID_AFTER = 30.0  # seconds of waiting
_DEVICES = Path("/dev")


@contextmanager
def placed(spec: EngineSpec, *, alone: bool = True) -> Iterator[EngineSpec]:
    """The spec as this task computes it, for as long as the task does.

    On a GPU its engine runs in a process of its own, which stays for the next task of this executor there, of whatever
    worker, until an engine of another spec is asked for on that GPU (see tenancy). The GPU is the one that Spark gave
    the task; else one of the option `gpus`; else, where this machine has any, one of those that this process may see.
    One task at a time has it, and others that Spark gave it wait. alone: False for a task that must not wait for
    another's GPU: it takes none but Spark's, and an engine of its own where that GPU's is asked by another task.
    """
    named = spec.text("gpus") or ",".join(visible_gpus())
    if not spec.takes_gpu:
        gpus: AbstractContextManager[str | None] = nullcontext()
    elif alone:
        gpus = task_gpu(named, first=_standing(spec, named))
    else:
        gpus = nullcontext(given_gpu())
    with gpus as gpu:
        own = spec if gpu is None else spec.having(gpu=gpu, process=True)
        try:
            yield own
        finally:
            loaded.leave(own)


@contextmanager
def task_gpu(named: str | None, *, first: Sequence[str] = ()) -> Iterator[str | None]:
    """The GPU of this task, as CUDA_VISIBLE_DEVICES has it: Spark's, else one of `named` (joined by ','), else None.

    No other task that asks here has it meanwhile. first: those to try before the others.
    """
    given = given_gpu()
    if given is None and not named:
        yield None
        return
    addresses = (named or "").split(",") if given is None else [given]
    with free_gpu(sorted(addresses, key=lambda address: address not in first)) as gpu:
        yield gpu


def _standing(spec: EngineSpec, named: str) -> list[str]:
    """The GPUs on which this executor had an engine of the spec lately."""
    return [gpu for gpu in named.split(",") if gpu and stood(tenant_of(spec.having(gpu=gpu)))]


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
            lock = locked(gpu_lock(address))
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
