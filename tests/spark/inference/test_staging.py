"""What a job stages: shards of few buckets, gone with a killed job and kept of a living one."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.inference.shards import Shard, stage_shards
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


@pytest.mark.parametrize("buckets", [3, 40])
def test_shards_name_their_buckets_hold_all_rows_and_are_cut_alike_twice(
    spark: SparkSession, tmp_path: Path, buckets: int
) -> None:
    texts = spark.range(100).select(F.format_string("id%05d", "id").alias("text_id"))

    def cut(name: str, partitions: int) -> list[set[str]]:
        rows = texts.repartition(partitions)
        bucket = F.pmod(F.xxhash64("text_id"), F.lit(buckets)).cast("int")
        shards = stage_shards(
            rows, key=["text_id"], bucket=bucket, rows=100, shard_rows=16, folder=str(tmp_path / name)
        )  # fmt: skip
        read = [spark.read.parquet(*one.paths).select("text_id", bucket.alias("bucket")).collect() for one in shards]
        assert [len(found) for found in read] == [shard.rows for shard in shards]
        assert [{row["bucket"] for row in found} for found in read] == [set(shard.buckets) for shard in shards]
        sizes = [shard.rows for shard in shards]
        assert all(one + other > 16 for one, other in pairwise(sizes))  # no two neighbours would fit into one
        return [{row["text_id"] for row in found} for found in read]

    once = cut("once", 5)
    assert once == cut("twice", 2)
    assert max(map(len, once)) <= 16
    assert sum(map(len, once)) == 100
    assert len(set().union(*once)) == 100


@pytest.mark.parametrize("buckets", [None, 8])
def test_rows_that_fit_into_one_shard_are_one_whatever_their_buckets(
    spark: SparkSession, tmp_path: Path, buckets: int | None
) -> None:
    texts = spark.range(100).select(F.format_string("id%05d", "id").alias("text_id"))
    bucket = None if buckets is None else F.pmod(F.xxhash64("text_id"), F.lit(buckets)).cast("int")

    def stage(rows: DataFrame, name: str) -> list[Shard]:
        folder = str(tmp_path / name)
        return stage_shards(rows, key=["text_id"], bucket=bucket, rows=100, shard_rows=100, folder=folder)

    (shard,) = stage(texts, "all")
    assert (shard.rows, shard.buckets) == (100, (0,) if buckets is None else tuple(range(8)))
    assert spark.read.schema(texts.schema).parquet(*shard.paths).distinct().count() == 100
    assert stage(texts.where("text_id = 'answered meanwhile'"), "none") == []
