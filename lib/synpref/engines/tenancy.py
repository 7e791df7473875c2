"""Which engine's process stands on which GPU, and who may use it: locked files in a folder of this user.

A worker finds the process of its engine, which another worker may have started, by a seat: a file that names whose
engine it is, on which GPU, and a hash of what it was loaded from. The one client that a process has holds the lock of
its seat, so that a seat without lock is that of an engine nobody uses, which may be ended where its memory is needed.
Workers whose folder for temporary files differs do not see each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from synpref.engines.processes import Process
from synpref.errors import InputError

_LOG = logging.getLogger(__name__)
_PATIENCE = 30.0  # seconds for a killed process to give its memory back
_NO_GPU = "none"
SERVER = "synpref.inference.engine_server"  # the module that an engine's process runs, before the path of its seat


@dataclass(frozen=True)
class Tenant:
    """Whose engine it is: the process that it ends with, its GPU (addresses as of CUDA_VISIBLE_DEVICES; None: none),
    and a hash of what it is.
    """

    owner: Process
    gpu: str | None
    digest: str

    @property
    def name(self) -> str:
        """What the names of its seats begin with."""
        return f"{self.owner.pid}-{self.owner.started}.{_file_name(self.gpu or _NO_GPU)}.{self.digest}"


@dataclass(frozen=True)
class Seat:
    """Where the one client of a process reaches it. lock: the client's; engine: the process that stands there idle."""

    path: Path
    lock: int
    engine: Process | None

    @property
    def socket(self) -> Path:
        """The path of its socket."""
        return _socket(self.path)


@contextmanager
def seated(tenant: Tenant) -> Iterator[Seat]:
    """A free seat of the tenant, locked; the caller closes its lock. Nobody else looks for a seat inside the block.

    Idle engines on the same GPU are ended before, but for the tenant's own; where it has no GPU, those of its owner
    that have none. One that has a client stays. Raises as private_folder.
    """
    folder = private_folder()
    with _guarded(folder):
        running = _running()
        _clear(folder, running, lambda name: _in_the_way(name, tenant.name))
        seat = _free_seat(folder, tenant, running)
        try:
            yield seat
        except BaseException:
            os.close(seat.lock)
            raise


def stood(tenant: Tenant) -> bool:
    """Whether the tenant had an engine lately; it may have ended since."""
    return (private_folder() / f"{tenant.name}.0.lock").exists()


def end_idle_engines(gpu: str | None = None) -> None:
    """End this user's engines on this GPU (None: on every GPU) of this machine that have no client: what begins now
    needs the memory. Raises as private_folder.
    """
    folder = private_folder()
    with _guarded(folder):
        _clear(folder, _running(), lambda name: _on_gpu(name, gpu))


def end(engine: Process) -> None:
    """SIGKILL an engine's process with all that it started, and wait until it has given its memory back."""
    with suppress(OSError):
        if Process.of(engine.pid) == engine:  # even one that ended, until somebody asks after it
            os.killpg(engine.pid, signal.SIGKILL)  # it leads a group of its own
    engine.wait(_PATIENCE)


def locked(path: Path) -> int | None:
    """The open and locked file; None where another process, or another opening of this one, holds it."""
    try:
        return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def gpu_lock(gpu: str) -> Path:
    """The file by which one task at a time has the GPU. Raises as private_folder."""
    return private_folder() / f"gpu-{_file_name(gpu)}"


def private_folder() -> Path:
    """The folder of locks and sockets. Raises InputError where another user could reach them, OSError where the folder
    for temporary files takes none.
    """
    folder = Path(tempfile.gettempdir(), f"synpref-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise InputError(f"{folder} must be a folder that its user alone can open: remove it, or set TMPDIR to another")
    return folder


def _lock(path: Path, how: int) -> int:
    while True:
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, how)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), path.stat()):
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # it was removed after we had opened it: others lock a new one


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """One at a time of those who look for seats."""
    guard = _lock(folder / "guard", fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(guard)


def _free_seat(folder: Path, tenant: Tenant, running: dict[str, Process]) -> Seat:
    # more than one: tasks that Spark gave shares of a GPU, and UDFs of one query, which would wait for each other
    number = 0
    while (lock := locked(path := folder / f"{tenant.name}.{number}.lock")) is None:
        number += 1
    return Seat(path, lock, running.get(str(path)))


def _clear(folder: Path, running: dict[str, Process], unwanted: Callable[[str], bool]) -> None:
    """End the engines without a client whose seat is unwanted, and remove the files of those that run no more."""
    for path in folder.glob("*.lock"):
        engine = running.get(str(path))
        if engine is not None and not unwanted(path.name):
            continue
        lock = locked(path)
        if lock is None:
            continue  # it has a client
        try:
            if engine is not None:
                _LOG.info("ending the idle engine %d, whose GPU is needed", engine.pid)
                end(engine)
            _socket(path).unlink(missing_ok=True)
            path.unlink()
        finally:
            os.close(lock)


def _in_the_way(other: str, mine: str) -> bool:
    """Whether an engine of that seat holds what the tenant of this name needs."""
    its, own = other.split(".")[:3], mine.split(".")
    if its == own:
        return False
    if own[1] == _NO_GPU:
        return its[:2] == own[:2]
    return _on_gpu(other, own[1])


def _on_gpu(name: str, gpu: str | None) -> bool:
    its = name.split(".")[1]
    return its != _NO_GPU and (gpu is None or bool({*its.split(",")} & {*_file_name(gpu).split(",")}))


def _running() -> dict[str, Process]:
    """The engines' processes of this user by the path of their seat."""
    found, server = {}, SERVER.encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked
            pid = int(folder.name)
            words = (folder / "cmdline").read_bytes().split(b"\0")  # empty for one that has ended
            # what it forked has its command line too, but leads no group
            if server in words and folder.stat().st_uid == os.getuid() and os.getpgid(pid) == pid:
                found[os.fsdecode(words[words.index(server) + 1])] = Process.of(pid)
    return found


def _socket(path: Path) -> Path:
    # the kernel takes no more than 107 bytes for its path
    return path.with_name(f"{hashlib.sha256(path.name.encode()).hexdigest()[:16]}.sock")


def _file_name(gpu: str) -> str:
    return re.sub(r"[^\w,-]", "_", gpu)
