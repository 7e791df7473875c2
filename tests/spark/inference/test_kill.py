"""SIGKILL of the whole job while it computes and after a commit: the same table, one shard at most computed twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import SparkSession

from synpref.store.names import Location
from synpref.store.warehouse import Warehouse
from tests.spark.inference.counting_engine import number
from tests.spark.inference.killed_driver import ROWS, SHARD_ROWS

if TYPE_CHECKING:
    from tests.spark.inference.conftest import Asked

DRIVER = Path(__file__).parent / "killed_driver.py"
SECONDS = 600


def run(folder: Path, log: Path, kill_at: int = 0, kill_after: int = 0) -> int:
    """Run the job in a process group of its own; returns its exit code."""
    command = [sys.executable, str(DRIVER), str(folder), str(log), str(kill_at), str(kill_after)]
    library = str(Path(__file__).parents[3] / "lib")
    environment = {**os.environ, "PYTHONPATH": library}
    environment = {key: value for key, value in environment.items() if not key.startswith("PYSPARK_GATEWAY")}
    with subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE) as job:
        try:
            _, said = job.communicate(timeout=SECONDS)
        finally:
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGKILL)
    if job.returncode not in (0, -signal.SIGKILL):
        pytest.fail(said.decode())
    return job.returncode


def settled(asked: Asked) -> list[str]:
    """What the engine was asked, once the workers that outlived the kill have noticed."""
    before, now = -1, len(asked.texts())
    while before != now:
        time.sleep(0.5)
        before, now = now, len(asked.texts())
    return asked.texts()


@pytest.mark.parametrize(("kill_at", "kill_after"), [(30, 0), (0, 1)], ids=["while computing", "after a commit"])
def test_a_killed_fill_ends_as_an_uninterrupted_one_would(
    spark: SparkSession, tmp_path: Path, asked: Asked, kill_at: int, kill_after: int
) -> None:
    folder = tmp_path / "killed warehouse"
    assert run(folder, asked.path, kill_at, kill_after) == -signal.SIGKILL
    first = settled(asked)
    assert 0 < len(first) < ROWS

    assert run(folder, asked.path) == 0
    warehouse = Warehouse(spark, Location(path=str(folder)))
    rows = {row["response_id"]: row["reward"] for row in warehouse.read("rewards").collect()}
    assert rows == {f"r{index:03d}": number(f"text {index}") for index in range(ROWS)}
    assert warehouse.read("rewards").count() == ROWS
    assert len(asked.texts()) <= ROWS + SHARD_ROWS
    if kill_after:
        assert sorted(asked.texts()) == sorted(f"text {index}" for index in range(ROWS))
