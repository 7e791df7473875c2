"""How many commits a fill makes, and what files they leave."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.inference import work
from synpref.inference.fill import fill
from synpref.inference.shards import Shard
from synpref.store.maintenance import file_count
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

if TYPE_CHECKING:
    from tests.spark.inference.conftest import Asked


def many(spark: SparkSession, rows: int) -> DataFrame:
    return spark.range(rows).select(
        F.format_string("id%05d", "id").alias("text_id"), F.format_string("text %d", "id").alias("text")
    )


def test_small_buckets_share_commits_and_each_input_is_answered_once(
    spark: SparkSession, tmp_path: Path, asked: Asked
) -> None:
    warehouse = Warehouse(spark, Location(path=str(tmp_path / "many buckets")), buckets=16)
    embed = partial(fill, warehouse, table="embeddings", stage="embed", spec=asked.spec("embedder"), shard_rows=20)
    first = embed(inputs=many(spark, 50))
    assert (first.computed, first.answered, first.missing) == (50, 50, 0)
    assert 3 <= warehouse.version("embeddings") <= 5  # not sixteen
    assert sorted(asked.texts()) == sorted(f"text {number}" for number in range(50))
    second = embed(inputs=many(spark, 70))
    assert (second.computed, second.saved, second.missing) == (20, 50, 0)
    table = warehouse.read("embeddings")
    assert table.select("text_id").distinct().count() == table.count() == 70
    assert table.where("bucket <> pmod(xxhash64(text_id), 16)").isEmpty()


def test_the_first_answer_wins_in_a_shard_of_several_buckets(
    spark: SparkSession, tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, commit = Warehouse(spark, Location(path=str(tmp_path / "four buckets")), buckets=4), work._commit
    earlier: list[int] = []

    def crossed(one: work.Work, shard: Shard, answers: DataFrame, *, failed: bool) -> int:
        earlier.append(commit(one, shard, answers.where("text_id < 'id00010'"), failed=False))  # another job's
        return commit(one, shard, answers, failed=failed)

    monkeypatch.setattr(work, "_commit", crossed)
    found = fill(
        warehouse, table="embeddings", stage="embed", spec=asked.spec("embedder"), shard_rows=100,
        inputs=many(spark, 30),
    )  # fmt: skip
    assert (earlier, found.answered, found.missing) == ([10], 30, 0)
    assert warehouse.version("embeddings") == 2
    table = warehouse.read("embeddings")
    assert table.select("text_id").distinct().count() == table.count() == 30


def test_the_small_files_of_a_long_fill_are_compacted_every_so_many_commits(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    embed = partial(fill, warehouse, table="embeddings", stage="embed", spec=asked.spec("embedder"), shard_rows=2)
    done = embed(inputs=many(spark, 10), slots=1, optimize_every=2)
    assert (done.answered, done.missing) == (10, 0)
    operations = [row["operation"] for row in warehouse.delta("embeddings").history().orderBy("version").collect()]
    assert operations[1:] == ["MERGE", "MERGE", "OPTIMIZE", "MERGE", "MERGE", "OPTIMIZE", "MERGE"]
    assert file_count(warehouse, "embeddings") == 2
    assert warehouse.read("embeddings").select("text_id").distinct().count() == 10
