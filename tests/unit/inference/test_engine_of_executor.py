"""An engine's process belongs to the executor: it outlives workers, and ends with what started them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from synpref.engines.processes import Process, facts_of
from tests.unit.inference.test_engine_process import _ended, _runs, engines

__all__ = ["engines"]  # the fixture
ROOT = Path(__file__).resolve().parents[3]

# A task on the GPU that Spark gave it: the first window answered, the others sent ahead, and asked for.
WORKER = """
import json, os, sys, time
os.setpgid(0, 0)  # as Spark's daemon does
from pyspark import TaskContext
from pyspark.resource import ResourceInformation
context = TaskContext()
context._resources = {"gpu": ResourceInformation("gpu", ["4"])}
from synpref.inference import loaded
from synpref.inference.placing import placed
from tests.unit.inference.test_engine_process import _pids, _spec, _window
number, after, *texts = sys.argv[1:]
first, *others = [_window(text) for text in texts]
with placed(_spec(window=int(number))) as own:
    answers = [loaded.answer(own, first)]
    for window in others:
        loaded.prepare(own, window)
    answers += [loaded.answer(own, window) for window in others]
    engine = {pid for each in answers for pid in _pids(each)}.pop()
    texts = [text for each in answers for text in each.column("response_id").to_pylist()]
    if after == "stays":
        print(json.dumps([os.getpid(), engine, texts]), flush=True)
        time.sleep(600)
print(json.dumps([os.getpid(), engine, texts]), flush=True)
"""


@dataclass(frozen=True)
class Answered:
    """What a worker said: itself, the process that answered, which windows."""

    worker: int
    engine: int
    texts: list[str]


class Executor:
    """A program that is no Python and starts workers, as the virtual machine of an executor does."""

    def __init__(self, folder: Path) -> None:
        path = os.pathsep.join([str(ROOT / "lib"), str(ROOT), str(folder)])
        self.process = subprocess.Popen(
            ["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(folder)},
        )  # fmt: skip

    def begin(self, *texts: str, after: str = "ends", spec: int = 1) -> None:
        """Start a worker."""
        assert self.process.stdin is not None
        words = [sys.executable, "-c", WORKER, str(spec), after, *texts]
        self.process.stdin.write(f"{shlex.join(words)} &\n")
        self.process.stdin.flush()

    def told(self) -> Answered:
        """What the next worker says that is done."""
        assert self.process.stdout is not None
        return Answered(*json.loads(self.process.stdout.readline()))

    def asked(self, *texts: str, spec: int = 1) -> Answered:
        """A worker from its start to its end."""
        self.begin(*texts, spec=spec)
        told = self.told()
        assert _ended(told.worker)
        return told

    def workers(self) -> list[int]:
        """Those that it started."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended while we looked
                if facts_of(int(folder.name)).parent == self.process.pid:
                    found.append(int(folder.name))
        return found


@pytest.fixture
def executor(engines: Path) -> Iterator[Executor]:
    made = Executor(engines)
    yield made
    for worker in made.workers() if made.process.poll() is None else []:
        os.kill(worker, signal.SIGKILL)
    made.process.kill()
    made.process.communicate()


def loads(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "died loads").read_text().split()]


def computing(folder: Path) -> Process:
    """The engine that computes a window that waits, once it does."""
    notes = folder / "died waits"
    for _ in range(6000):
        if notes.exists() and notes.read_text().endswith("\n"):
            return Process.of(int(notes.read_text()))
        time.sleep(0.01)
    raise TimeoutError("no engine computes")


def test_workers_one_after_the_other_ask_one_engine_that_is_loaded_once(executor: Executor, engines: Path) -> None:
    first, second = executor.asked("a"), executor.asked("b", "c")
    assert first.worker != second.worker
    assert second.texts == ["b", "c"]
    assert loads(engines) == [first.engine] == [second.engine]


def test_what_ends_a_worker_and_its_group_leaves_the_engine(executor: Executor, engines: Path) -> None:
    executor.begin("a", after="stays")
    first = executor.told()
    os.killpg(first.worker, signal.SIGKILL)
    assert _ended(first.worker)
    assert _runs(first.engine)
    assert executor.asked("b").engine == first.engine
    assert loads(engines) == [first.engine]


def test_an_idle_engine_ends_with_its_executor(executor: Executor) -> None:
    engine = Process.of(executor.asked("a").engine)
    assert engine.runs()
    executor.process.kill()
    assert engine.wait(30)


def test_an_engine_that_computes_ends_with_its_executor(executor: Executor, engines: Path) -> None:
    executor.begin("waits")
    engine, (worker,) = computing(engines), executor.workers()
    executor.process.kill()
    assert engine.wait(30)
    os.kill(worker, signal.SIGKILL)


def test_windows_of_a_client_that_was_killed_are_not_answered_to_the_next(executor: Executor, engines: Path) -> None:
    executor.begin("a", "waits", "sent ahead")
    engine, (worker,) = computing(engines), executor.workers()
    os.kill(worker, signal.SIGKILL)
    assert _ended(worker)
    executor.begin("b", "c")
    (engines / "died goes on").touch()
    assert executor.told().texts == ["b", "c"]
    assert loads(engines) == [engine.pid]
    assert (engines / "died asked").read_text().split("\n") == ["a", "waits", "b", "c", ""]


def test_two_workers_that_start_at_once_start_one_engine(executor: Executor, engines: Path) -> None:
    executor.begin("a")
    executor.begin("b")
    one, other = executor.told(), executor.told()
    assert {*one.texts, *other.texts} == {"a", "b"}
    assert loads(engines) == [one.engine] == [other.engine]


def test_another_engine_on_the_same_gpu_ends_the_idle_one(executor: Executor, engines: Path) -> None:
    first = Process.of(executor.asked("a").engine)
    second = executor.asked("b", spec=2).engine
    assert loads(engines) == [first.pid, second]
    assert first.wait(30)


def test_a_dead_engine_is_started_anew_by_the_next_worker(executor: Executor, engines: Path) -> None:
    first = executor.asked("a").engine
    os.kill(first, signal.SIGKILL)
    assert _ended(first)
    second = executor.asked("b")
    assert second.texts == ["b"]
    assert loads(engines) == [first, second.engine]


def test_an_engine_of_another_executor_makes_room(executor: Executor, engines: Path) -> None:
    first = Process.of(executor.asked("a").engine)
    other = Executor(engines)
    assert other.asked("b").engine != first.pid
    assert first.wait(30)
    other.process.kill()
    other.process.communicate()
