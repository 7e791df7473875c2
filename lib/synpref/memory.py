"""Peak memory of the driver and of the Python workers, as Linux counts it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_KB_PER_GB = 1e9 / 1024  # the kernel's kB are 1,024 bytes
SECONDS_BETWEEN = 5.0


@dataclass(frozen=True)
class PeakMemory:
    """Peak resident memory in GB (10^9 bytes). driver: Python and its JVM together. worker: the largest Python worker.

    None where it cannot be seen: no /proc, or workers on other machines.
    """

    driver: float | None
    worker: float | None

    def highest(self, other: PeakMemory) -> PeakMemory:
        """The larger of both, field by field."""
        return PeakMemory(_larger(self.driver, other.driver), _larger(self.worker, other.worker))


class Watch:
    """The peak since `watched` began; processes that ended meanwhile count."""

    def __init__(self) -> None:
        self._highest = PeakMemory(None, None)
        self._lock = threading.Lock()

    def look(self) -> PeakMemory:
        """Look now, and return the highest of all looks."""
        found = peak_memory()
        with self._lock:
            self._highest = self._highest.highest(found)
            return self._highest


@contextmanager
def watched(seconds: float = SECONDS_BETWEEN) -> Iterator[Watch]:
    """Look every so many seconds while the body runs: Spark ends a Python worker that was idle for a minute."""
    watch, stop = Watch(), threading.Event()

    def repeat() -> None:
        while not stop.wait(seconds):
            watch.look()

    thread = threading.Thread(target=repeat, name="peak-memory", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


def peak_memory() -> PeakMemory:
    """What this process, its JVM and the Python workers below it have held at most so far."""
    processes = _processes()
    if not processes:
        return PeakMemory(None, None)
    own = _descendants(os.getpid(), {pid: parent for pid, (parent, _, _) in processes.items()})
    jvm = [peak for pid, (_, name, peak) in processes.items() if pid in own and name == "java"]
    workers = [peak for pid, (_, name, peak) in processes.items() if pid in own and name.startswith("python")]
    parent = processes.get(processes[os.getpid()][0])
    if parent is not None and parent[1] == "java":  # spark-submit: the JVM started us
        jvm.append(parent[2])
    driver = processes[os.getpid()][2] + sum(jvm)
    return PeakMemory(driver / _KB_PER_GB, max(workers) / _KB_PER_GB if workers else None)


def _larger(one: float | None, other: float | None) -> float | None:
    return one if other is None else other if one is None else max(one, other)


def _processes() -> dict[int, tuple[int, str, int]]:
    """Process id to (parent, program name, peak in units of 1,024 bytes)."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            lines = (folder / "status").read_text().splitlines()
        except OSError:  # it ended while we looked
            continue
        facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        peak = int(facts.get("VmHWM", "0 kB").split()[0])
        found[int(folder.name)] = (int(facts["PPid"]), facts["Name"].strip(), peak)
    return found


def _descendants(root: int, parents: dict[int, int]) -> set[int]:
    found, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {root}
