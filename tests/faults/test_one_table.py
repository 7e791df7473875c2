"""What else can go wrong with a table: two jobs fill it at once, its disk is full."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.job import Insert
from tests.faults.plan import ROWS, SHARD_ROWS, SHARDS
from tests.faults.running import Fill, Jobs, assert_whole, inserted_by, table


@pytest.mark.timeout(900)
def test_two_jobs_whose_commits_cross_leave_one_result_and_lose_no_row(jobs: Jobs, tmp_path: Path) -> None:
    fill = Fill(tmp_path / "ware house", tmp_path / "asked.log")
    (tmp_path / "meet").mkdir()
    both = jobs.two()
    for job in both:
        job.begin(fill, meet=tmp_path / "meet")
    one, other = (job.end() for job in both)
    assert (one.failed, other.failed) == ("", "")
    assert_whole(fill)
    # each had computed every shard when the other committed it: both tried to write all rows, at the same time
    assert set(Counter(fill.asked()).values()) == {2}
    assert (one.computed, other.computed) == (ROWS, ROWS)
    pairs = list(zip(_of_rewards(one.inserts), _of_rewards(other.inserts), strict=True))
    assert len(pairs) == SHARDS
    for mine, others in pairs:
        assert max(mine.began, others.began) < min(mine.ended, others.ended)
        assert sorted((mine.rows, others.rows)) == [0, SHARD_ROWS]  # one of them put all rows there
    # and the table's own log says the same of who did
    claimed = {told.job: sum(insert.rows for insert in _of_rewards(told.inserts)) for told in (one, other)}
    assert inserted_by(fill) == {job: rows for job, rows in claimed.items() if rows}
    (engine,) = table(fill, "engines").to_pylist()
    assert {engine["engine_id"]} == set(table(fill, "rewards")["engine_id"].to_pylist())


def _of_rewards(inserts: list[Insert]) -> list[Insert]:
    return [insert for insert in inserts if insert.table == "rewards"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    disk = tmp_path / "small disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a small disk is not permitted here: it needs root (docs/design.md)")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.timeout(900)
def test_a_full_disk_stops_the_job_and_the_next_one_ends_it(jobs: Jobs, small_disk: Path, tmp_path: Path) -> None:
    job, folder = jobs.now(), small_disk / "warehouse"
    fill = Fill(folder, tmp_path / "asked.log")
    job.begin(Fill(folder, tmp_path / "another engine.log"))
    assert not job.end().failed
    rest = small_disk / "rest"
    with rest.open("wb") as file, suppress(OSError):  # until no byte goes in
        while True:
            os.write(file.fileno(), b"0" * 4096)
    job.begin(fill)
    assert "No space left on device" in job.end().failed
    rest.unlink()
    job.begin(fill)
    assert not job.end().failed
    keys = [(row["response_id"], row["engine_id"]) for row in table(fill, "rewards").to_pylist()]
    assert len(keys) == len(set(keys)) == 2 * ROWS
