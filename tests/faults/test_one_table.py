"""What else can go wrong with a table: two jobs fill it at once, its disk is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.job import ROWS, filled
from tests.faults.running import Fill, Job, Jobs, assert_whole


@pytest.mark.timeout(900)
def test_two_jobs_at_once_leave_one_result_and_lose_no_row(spark: SparkSession, jobs: Jobs, tmp_path: Path) -> None:
    fill = Fill(tmp_path / "ware house", tmp_path / "asked.log")
    one, other = jobs.now(), Job()
    try:
        for job in (one, other):
            job.begin(fill)
        said = [job.end() for job in (one, other)]
    finally:
        other.kill()
    assert said == ["done", "done"]
    assert_whole(spark, fill)
    assert len(fill.asked()) <= 2 * ROWS


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    disk = tmp_path / "small disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.timeout(900)
def test_a_full_disk_stops_the_job_and_the_next_one_ends_it(
    spark: SparkSession, small_disk: Path, tmp_path: Path
) -> None:
    fill = Fill(small_disk / "warehouse", tmp_path / "asked.log")
    filled(spark, str(fill.folder), str(tmp_path / "another engine.log"))
    rest = small_disk / "rest"
    with rest.open("wb") as file, suppress(OSError):  # until no byte goes in
        while True:
            os.write(file.fileno(), b"0" * 4096)
    with pytest.raises(Exception, match="No space left on device"):
        filled(spark, str(fill.folder), str(fill.log))
    rest.unlink()
    filled(spark, str(fill.folder), str(fill.log))
    of_engine = spark.read.format("delta").load(f"{fill.folder}/rewards")
    assert of_engine.count() == 2 * ROWS
    assert of_engine.select("response_id", "engine_id").distinct().count() == 2 * ROWS
