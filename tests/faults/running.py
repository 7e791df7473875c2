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

Victim = Literal["driver", "executor", "worker", "engine"]


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


def strike(victim: Victim, job: Job, fill: Fill) -> None:
    """SIGKILL one process of the job's: what an engine's process hangs from is known by its log."""
    if victim == "driver":
        job.kill()
        return
    pid = fill.engines()[-1]
    steps = {"engine": 0, "worker": 1, "executor": 3}[victim]  # engine, Python worker, Spark's daemon, executor
    for _ in range(steps):
        pid = _parent(pid)
    os.kill(pid, signal.SIGKILL)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
