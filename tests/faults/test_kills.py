"""SIGKILL at a random point, of each kind of process: the table is that of an uninterrupted run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.job import ROWS, SHARD_ROWS
from tests.faults.running import Fill, Jobs, Victim, assert_whole, strike, wait_for, wait_until_gone

# A driver takes a minute to start again: it is struck less often. The first three are all that `make test` strikes.
VICTIMS: tuple[Victim, ...] = (
    "driver", "executor", "engine", "worker", "job", "engine", "worker", "executor", "engine", "worker",
)  # fmt: skip


@pytest.mark.timeout(900)
def test_a_kill_at_any_point_loses_and_repeats_nothing_that_was_committed(
    spark: SparkSession, jobs: Jobs, tmp_path: Path, fault_seed: int
) -> None:
    draw = random.Random(fault_seed)
    victim = VICTIMS[fault_seed % len(VICTIMS)]
    fill = Fill(tmp_path / "ware house", tmp_path / "asked.log")
    job = jobs.now()
    job.begin(fill)
    if draw.random() < 0.7:
        items = draw.randint(1, ROWS)  # the last of a shard: between computing and commit
        wait_for(lambda: len(fill.asked()) >= items, f"{items} items asked")
    else:
        commits = 1 + draw.randint(1, ROWS // SHARD_ROWS - 1)
        wait_for(lambda: fill.commits() >= commits, f"{commits} commits")
    wait_until_gone(strike(victim, job, fill), victim)
    if victim in {"driver", "job"}:
        job = jobs.now()
        job.begin(fill)
    assert job.end() == "done", job.words()
    assert_whole(spark, fill)
    assert len(fill.asked()) <= ROWS + SHARD_ROWS
    if victim not in {"driver", "job"}:  # what a killed driver staged goes a day later: another job's may be in use
        assert not list(fill.folder.rglob("_staging/*"))
