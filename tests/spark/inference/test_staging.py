"""What a killed job staged goes; what a living one staged stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pyspark.sql import SparkSession

from synpref.inference.staging import HEARTBEAT, beat, remove_leftovers, staged

LONG_AGO = time.time() - 100_000


def aged(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (LONG_AGO, LONG_AGO))


def test_a_job_lives_while_its_heart_beats(spark: SparkSession, tmp_path: Path) -> None:
    root = tmp_path / "my staging"
    alive, killed, old, young = (root / name for name in ("alive", "killed", "old version", "young"))
    for folder in (alive, killed):
        beat(spark, str(folder))
    for folder in (old, young):
        (folder / "inputs").mkdir(parents=True)
    aged(alive, killed / HEARTBEAT, old)  # a long shard changes nothing in its folder; a store may date none
    assert remove_leftovers(spark, str(root)) == 2
    assert sorted(path.name for path in root.iterdir()) == ["alive", "young"]
    aged(alive / HEARTBEAT)
    beat(spark, str(alive))
    assert remove_leftovers(spark, str(root)) == 0


def test_a_fill_s_folder_has_a_heartbeat_from_its_start_and_goes_with_it(spark: SparkSession, tmp_path: Path) -> None:
    with staged(spark, str(tmp_path), "rewards") as folder:
        assert (Path(folder) / HEARTBEAT).is_file()
    assert not list(tmp_path.iterdir())
