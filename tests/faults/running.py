"""A running job, and the processes that do its work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import deltalake
import pyarrow as pa
import pyspark

from synpref.engines.processes import Process, facts_of
from tests.faults.job import Insert, Order, Told
from tests.faults.plan import ROWS, Victim
from tests.faults.slow_engine import number
from tests.faults.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


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
    """tests/faults/job.py in a process group of its own, with a folder for all that it and its executors leave."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - the process writes to it as long as it runs
        self._home = tempfile.TemporaryDirectory(prefix="synpref-faults-", ignore_cleanup_errors=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYSPARK_GATEWAY")}
        environment |= _scratch(Path(self._home.name))
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "lib"), str(ROOT)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.job"], cwd=ROOT, env=environment, start_new_session=True, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
        )  # fmt: skip

    def begin(self, fill: Fill, meet: Path | None = None) -> None:
        """Tell the job to fill. meet: see Order."""
        assert self.process.stdin is not None
        order = Order(str(fill.folder), str(fill.log), "" if meet is None else str(meet))
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()

    def end(self) -> Told:
        """What the job says of its fill; raises AssertionError with its log where it died."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said, f"the job died:\n{self.words()}"
        told = json.loads(said)
        return Told(**{**told, "inserts": [Insert(**insert) for insert in told["inserts"]]})

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

    def clear(self) -> None:
        """End it where it runs, and remove what it left."""
        if self.process.poll() is None:
            self.kill()
        self._home.cleanup()


class Jobs:
    """The jobs that run now; new ones where a test killed the last."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []

    def now(self) -> Job:
        """A job that lives."""
        return self._living(1)[0]

    def two(self) -> list[Job]:
        """Two of them. The second is what `now` gives where the first was killed, and has its start behind it."""
        return self._living(2)

    def stop(self) -> None:
        """End them."""
        for job in self._jobs:
            job.clear()

    def _living(self, number: int) -> list[Job]:
        for job in [*self._jobs]:
            if job.process.poll() is not None:
                job.clear()
                self._jobs.remove(job)
        self._jobs += [Job() for _ in range(number - len(self._jobs))]
        return self._jobs[:number]


def _scratch(home: Path) -> dict[str, str]:
    """Variables by which Spark and Python leave in `home` what a killed process cannot remove.

    A local cluster's executors copy 30 MB of jars into a folder of SPARK_HOME, which is that of the environment.
    """
    places = {"SPARK_HOME": home / "spark", "SPARK_LOCAL_DIRS": home / "local", "TMPDIR": home / "tmp"}
    for place in places.values():
        place.mkdir()
    for entry in Path(pyspark.__file__).parent.iterdir():
        if entry.name != "work":
            (places["SPARK_HOME"] / entry.name).symlink_to(entry)
    return {name: str(place) for name, place in places.items()}


def table(fill: Fill, name: str) -> pa.Table:
    """A table's rows, by a reader that shares nothing with the writer."""
    return deltalake.DeltaTable(str(fill.folder / name)).to_pyarrow_table()


def inserted_by(fill: Fill) -> dict[str, int]:
    """Rows that each job put into rewards, by the table's own log."""
    rows: Counter[str] = Counter()
    for commit in deltalake.DeltaTable(str(fill.folder / "rewards")).history():
        if commit["operation"] == "MERGE":
            job = json.loads(commit["userMetadata"])["job"]
            rows[job] += int(commit["operationMetrics"]["numTargetRowsInserted"])
    return {job: count for job, count in rows.items() if count}


def assert_whole(fill: Fill) -> None:
    """The table holds what an uninterrupted fill leaves: every row once, with its own reward."""
    rows = table(fill, "rewards").to_pylist()
    texts = [f"text {index}" for index in range(ROWS)]
    assert sorted((row["response_id"], row["reward"], row["tokens"], row["truncated"]) for row in rows) == [
        (f"r{index:03d}", number(text), len(text), False) for index, text in enumerate(texts)
    ]
    assert len({row["engine_id"] for row in rows}) == 1
    assert set(fill.asked()) == set(texts)


def strike(victim: Victim, job: Job, fill: Fill) -> list[Process]:
    """SIGKILL processes of the job; returns what must end because of it.

    An engine's command tells the executor that it belongs to; workers hang from the executor by Spark's daemon.
    """
    engines = [Process.of(pid) for pid in sorted(set(fill.engines())) if _runs(pid)]
    if victim in {"driver", "job"}:
        below = {one for engine in engines for one in [engine, *_executor_and_below(engine)]}
        (job.kill if victim == "job" else job.kill_driver)()
        return sorted(below, key=lambda one: one.pid)
    last = next(engine for engine in engines if engine.pid == fill.engines()[-1])
    executor, *below_it = _executor_and_below(last)
    daemons = {executor.pid, *(one.pid for one in below_it if facts_of(one.pid).parent == executor.pid)}
    workers = [one for one in below_it if one.pid not in daemons and facts_of(one.pid).parent in daemons]
    struck = {"engine": [last], "worker": workers, "executor": [executor]}[victim]
    for one in struck:
        os.kill(one.pid, signal.SIGKILL)
    return [last, executor, *below_it] if victim == "executor" else struck


def wait_until_gone(processes: list[Process], whose: str) -> None:
    """Return once none of them runs. Raises TimeoutError, and AssertionError where there are none to wait for."""
    assert processes, f"nothing hung from the {whose}"
    wait_for(lambda: not any(one.runs() for one in processes), f"orphans of the {whose} end: {processes}")


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return Process.of(pid).runs()
    return False


def _executor_and_below(engine: Process) -> list[Process]:
    """The executor that an engine belongs to, and all processes below it: Spark's daemon, workers."""
    words = Path(f"/proc/{engine.pid}/cmdline").read_text().split("\0")
    found = [Process(int(words[-3]), int(words[-2]))]
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked
            parents[int(folder.name)] = facts_of(int(folder.name)).parent
    for above in found:  # it grows meanwhile
        for pid, parent in parents.items():
            if parent == above.pid and _runs(pid):
                found.append(Process.of(pid))
    return found
