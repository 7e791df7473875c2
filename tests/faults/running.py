"""A running job, and the processes that do its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pyspark.sql import SparkSession

from synpref.store.names import Location
from synpref.store.warehouse import Warehouse
from tests.faults.job import ROWS
from tests.faults.slow_engine import number

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300.0

# driver: the process that a user started, and no other. job: it and all that it started, at once.
Victim = Literal["driver", "job", "executor", "worker", "engine"]
_UP = {"engine": 0, "worker": 1, "executor": 3}  # engine, Python worker, Spark's daemon, executor


@dataclass(frozen=True)
class Fill:
    """One fill: the warehouse's folder, and the engine's log."""

    folder: Path
    log: Path

    def asked(self) -> list[str]:
        """The texts that the engine was asked for, in order."""
        return [line.split(" ", 1)[1] for line in self._lines()]

    def engines(self) -> list[int]:
        """Process ids of the engines, the last asked last."""
        return [int(line.split(" ", 1)[0]) for line in self._lines()]

    def commits(self) -> int:
        """Commits of the table so far; the first makes it."""
        return len(list((self.folder / "rewards" / "_delta_log").glob("*.json")))

    def _lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


class Job:
    """tests/faults/job.py in a process group of its own."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - the process writes to it as long as it runs
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYSPARK_GATEWAY")}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "lib"), str(ROOT)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.job"], cwd=ROOT, env=environment, start_new_session=True, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
        )  # fmt: skip

    def begin(self, fill: Fill) -> None:
        """Tell the job to fill."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{fill.folder}\t{fill.log}\n")
        self.process.stdin.flush()

    def end(self) -> str:
        """What the job says of its fill; raises AssertionError with its log where it died."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline().strip()
        assert said, f"the job died:\n{self.words()}"
        return said

    def kill_driver(self) -> None:
        """End the driver alone: what it started has to notice by itself."""
        self.process.kill()
        self.process.wait()

    def kill(self) -> None:
        """End the driver and all that it started, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def words(self) -> str:
        """The end of what the job wrote to standard error."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace")[-4000:]


class Jobs:
    """The job that runs now; a new one where a test killed the last."""

    def __init__(self) -> None:
        self._job: Job | None = None

    def now(self) -> Job:
        """A job that lives."""
        if self._job is None or self._job.process.poll() is not None:
            self._job = Job()
        return self._job

    def stop(self) -> None:
        """End it."""
        if self._job is not None and self._job.process.poll() is None:
            self._job.kill()


def assert_whole(spark: SparkSession, fill: Fill) -> None:
    """The table holds what an uninterrupted fill leaves: every row once, with its own reward."""
    rows = Warehouse(spark, Location(path=str(fill.folder))).read("rewards").select("response_id", "reward").collect()
    texts = [f"text {index}" for index in range(ROWS)]
    assert sorted((row["response_id"], row["reward"]) for row in rows) == [
        (f"r{index:03d}", number(text)) for index, text in enumerate(texts)
    ]
    assert set(fill.asked()) == set(texts)


def wait_for(ready: Callable[[], bool], what: str) -> None:
    """Return once it is so. Raises TimeoutError."""
    deadline = time.monotonic() + SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {SECONDS:.0f} s")
        time.sleep(0.005)


@dataclass(frozen=True)
class Process:
    """A process that runs or ran. started: in ticks since the machine's start, which tells it from a later one of its
    number.
    """

    pid: int
    started: int

    def runs(self) -> bool:
        """Whether it does. One that ended and that nobody has asked after yet does not."""
        facts = _facts(self.pid)
        return facts is not None and facts[0] != "Z" and int(facts[19]) == self.started


def strike(victim: Victim, job: Job, fill: Fill) -> list[Process]:
    """SIGKILL one process of the job's, or all; returns what must end because of it.

    What an engine's process hangs from is known by its log.
    """
    lines = _lines_of_descent(fill, job)
    if victim in {"driver", "job"}:
        (job.kill if victim == "job" else job.kill_driver)()
        return sorted({one for line in lines for one in line}, key=lambda one: one.pid)
    struck = next(line for line in lines if line[0].pid == fill.engines()[-1])[_UP[victim]]
    os.kill(struck.pid, signal.SIGKILL)
    return [one for line in lines if struck in line for one in line[: line.index(struck) + 1]]


def wait_until_gone(processes: list[Process], whose: str) -> None:
    """Return once none of them runs. Raises TimeoutError, and AssertionError where there are none to wait for."""
    assert processes, f"nothing hung from the {whose}"
    wait_for(lambda: not any(one.runs() for one in processes), f"orphans of the {whose} end: {processes}")


def _lines_of_descent(fill: Fill, job: Job) -> list[list[Process]]:
    """For each engine that runs, its process, its parent and so on, up to the driver and without it."""
    lines = []
    for engine in sorted(set(fill.engines())):
        line: list[Process] = []
        pid = engine
        while pid not in {1, job.process.pid} and (facts := _facts(pid)) is not None:
            line.append(Process(pid, int(facts[19])))
            pid = int(facts[1])
        if line:
            lines.append(line)
    return lines


def _facts(pid: int) -> list[str] | None:
    """What the kernel says of a process, from its state on (man proc); None where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
