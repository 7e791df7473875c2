from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synpref.errors import SettingsError
from synpref.store.maintenance import (
    file_count,
    optimize_buckets,
    optimize_inference_tables,
    optimize_when_due,
    vacuum,
)
from synpref.store.snapshot import export_parquet
from synpref.store.warehouse import Warehouse


def test_an_export_is_whole_and_leaves_nothing_beside_it(spark: SparkSession, tmp_path: Path) -> None:
    target = tmp_path / "my exports" / "pairs"
    export_parquet(spark.range(10), target, files=1)
    assert spark.read.parquet(str(target)).count() == 10
    assert len(list(target.glob("*.parquet"))) == 1
    export_parquet(spark.range(3), target)
    assert spark.read.parquet(str(target)).count() == 3
    assert [path.name for path in target.parent.iterdir()] == ["pairs"]


def test_a_folder_of_the_driver_is_meant_where_the_cluster_s_default_is_another_file_system(
    spark: SparkSession, tmp_path: Path
) -> None:
    context: Any = spark.sparkContext._jsc
    configuration = context.hadoopConfiguration()
    before = configuration.get("fs.defaultFS")
    configuration.set("fs.defaultFS", "hdfs://nowhere.invalid:9")
    try:
        export_parquet(spark.range(10), tmp_path / "pairs")
    finally:
        configuration.set("fs.defaultFS", before)
    assert len(list((tmp_path / "pairs").glob("*.parquet"))) >= 1


def test_a_failed_export_leaves_the_old_one(spark: SparkSession, tmp_path: Path) -> None:
    target = tmp_path / "pairs"
    export_parquet(spark.range(10), target)
    broken = spark.range(3).select(F.raise_error(F.lit("broken row")).cast("string").alias("id"))
    with pytest.raises(Exception, match="broken row"):
        export_parquet(broken, target)
    assert spark.read.parquet(str(target)).count() == 10
    assert [path.name for path in tmp_path.iterdir()] == ["pairs"]


def test_small_files_are_compacted_every_so_many_commits(warehouse: Warehouse, spark: SparkSession) -> None:
    def insert(number: int) -> None:
        row = (f"c{number}", "normalised", "prompt", "a", "b")
        columns = ["comparison_id", "normalised_comparison_id", "prompt_id", "response_a", "response_b"]
        warehouse.insert("comparisons", spark.createDataFrame([row], columns), unique=True)

    for number in range(3):
        insert(number)
    assert not optimize_when_due(warehouse, "comparisons", every=5)
    assert optimize_when_due(warehouse, "comparisons", every=4)
    assert file_count(warehouse, "comparisons") == 1
    assert warehouse.read("comparisons").count() == 3
    insert(3)
    assert not optimize_when_due(warehouse, "comparisons", every=4), "the last OPTIMIZE is too young"


def reward(warehouse: Warehouse, number: int) -> None:
    row = (f"r{number}", "e", 0.5, 7, False)
    columns = ["response_id", "engine_id", "reward", "tokens", "truncated"]
    rows = warehouse.spark.createDataFrame([row], columns).withColumn("tokens", F.col("tokens").cast("int"))
    warehouse.insert("rewards", rows, unique=True)


def test_of_all_tables_those_that_engines_fill_are_compacted_when_due(warehouse: Warehouse) -> None:
    for number in range(3):
        reward(warehouse, number)
    assert optimize_inference_tables(warehouse, every=4) == {"rewards": True}
    assert file_count(warehouse, "rewards") == 1
    assert optimize_inference_tables(warehouse, every=4) == {}


def refuse(warehouse: Warehouse, stage: str, *keys: str) -> int:
    rows = warehouse.spark.createDataFrame(
        [("-", stage, key, "engine_error", "", "{}") for key in keys],
        ["campaign", "stage", "row_key", "reason", "detail", "original"],
    )
    return warehouse.insert("quarantine", rows, unique=True, within={"campaign": "-", "stage": stage})


def test_quarantine_is_compacted_with_them(warehouse: Warehouse) -> None:
    for number in range(3):
        assert refuse(warehouse, "score", f"r{number}") == 1
    assert optimize_inference_tables(warehouse, every=4) == {"quarantine": True}
    assert file_count(warehouse, "quarantine") == 1


def test_an_insert_that_says_what_its_rows_share_reads_no_files_of_others_and_keeps_the_first_answer(
    warehouse: Warehouse,
) -> None:
    for number in range(4):
        refuse(warehouse, f"stage{number}", "r1")
    assert refuse(warehouse, "stage2", "r1", "r2") == 1
    last = warehouse.delta("quarantine").history(1).select("operationParameters").collect()[0][0]
    assert "stage2" in last["predicate"]
    found = {(row["stage"], row["row_key"]) for row in warehouse.read("quarantine").collect()}
    assert found == {*((f"stage{number}", "r1") for number in range(4)), ("stage2", "r2")}


def test_what_came_behind_an_optimize_of_some_buckets_is_compacted_when_due(warehouse: Warehouse) -> None:
    for number in range(2):
        reward(warehouse, number)
    assert optimize_buckets(warehouse, "rewards", {0})  # as within a fill
    for number in range(2, 4):
        reward(warehouse, number)
    assert file_count(warehouse, "rewards") == 3
    assert optimize_when_due(warehouse, "rewards", every=5)
    assert file_count(warehouse, "rewards") == 1
    assert not optimize_when_due(warehouse, "rewards", every=5)


def test_few_files_are_left_as_they_are(warehouse: Warehouse) -> None:
    for _ in range(4):
        reward(warehouse, 1)  # what stands already adds a commit and no file
    reward(warehouse, 2)
    before = warehouse.version("rewards")
    assert not optimize_when_due(warehouse, "rewards", every=3)
    assert warehouse.version("rewards") == before


def test_a_table_with_few_commits_costs_no_look_at_its_history(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    reward(warehouse, 1)

    def looked(self: Warehouse, table: str) -> None:
        raise AssertionError(f"looked at {table}")

    monkeypatch.setattr(Warehouse, "delta", looked)
    assert not optimize_when_due(warehouse, "rewards", every=50)


def test_young_files_are_never_vacuumed(warehouse: Warehouse) -> None:
    warehouse.create("comparisons")
    with pytest.raises(SettingsError, match="too young"):
        vacuum(warehouse, "comparisons", hours=1)
