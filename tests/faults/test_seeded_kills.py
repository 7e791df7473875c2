"""SIGKILL at a random point, of each kind of process: the table is that of an uninterrupted run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.job import EXECUTORS
from tests.faults.plan import ROWS, SHARD_ROWS, Kill
from tests.faults.running import Fill, Jobs, assert_whole, strike, wait_until_gone
from tests.faults.waiting import wait_for


@pytest.mark.timeout(900)
def test_a_kill_at_any_point_loses_and_repeats_nothing_that_was_committed(
    jobs: Jobs, tmp_path: Path, kill: Kill
) -> None:
    fill = Fill(tmp_path / "ware house", tmp_path / "asked.log")
    job = jobs.now()
    job.begin(fill)
    if kill.moment == "committed":
        wait_for(lambda: fill.commits() > kill.count, f"{kill.count} commits")  # the first makes the table
    else:
        wait_for(lambda: len(fill.asked()) >= kill.count, f"{kill.count} items asked")
    wait_until_gone(strike(kill.victim, job, fill), kill.victim)
    if kill.victim in {"driver", "job"}:
        job = jobs.now()
        job.begin(fill)
    told = job.end()
    assert not told.failed, f"{told.failed}\n{job.words()}"
    assert_whole(fill)
    assert len(fill.asked()) <= ROWS + SHARD_ROWS
    if kill.victim == "worker":  # an engine belongs to its executor: the next worker finds it loaded
        assert len(set(fill.engines())) <= EXECUTORS
    if kill.victim not in {"driver", "job"}:  # what a killed driver staged goes a day later: another job may use it
        assert not list(fill.folder.rglob("_staging/*"))
