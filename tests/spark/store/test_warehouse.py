from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import deltalake
import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.errors import GateError, InputError
from synpref.store.contracts import TABLES
from synpref.store.names import Location
from synpref.store.pending import pending
from synpref.store.warehouse import Warehouse

Rewards = Callable[..., DataFrame]


@pytest.fixture
def rewards(spark: SparkSession) -> Rewards:
    """Rewards of responses `first` to `last`, all of one value."""

    def make(first: int, last: int, reward: float = 1.0, tokens: int = 3) -> DataFrame:
        return spark.range(first, last).select(
            F.format_string("r%04d", "id").alias("response_id"),
            F.lit("engine").alias("engine_id"),
            F.lit(reward).alias("reward"),
            F.lit(tokens).alias("tokens"),
            F.lit(False).alias("truncated"),
        )

    return make


def roles(spark: SparkSession, campaign: str, count: int, role: str = "wild") -> DataFrame:
    return spark.range(count).select(
        F.lit(campaign).alias("campaign"),
        F.lit(0).alias("iteration"),
        F.format_string("c%04d", "id").alias("comparison_id"),
        F.lit(role).alias("role"),
        F.lit(None).cast("string").alias("side"),
        F.lit(None).cast("int").alias("fold"),
    )


def last_commit(warehouse: Warehouse, table: str) -> dict[str, object]:
    row = warehouse.delta(table).history(1).first()
    assert row is not None
    return row.asDict(recursive=True)


def test_first_answer_wins_and_inserting_twice_changes_nothing(warehouse: Warehouse, rewards: Rewards) -> None:
    assert warehouse.insert("rewards", rewards(0, 10, 1.0)) == 10
    assert warehouse.insert("rewards", rewards(0, 15, 2.0)) == 5
    assert warehouse.insert("rewards", rewards(0, 15, 3.0)) == 0
    counts = {row["reward"]: row["count"] for row in warehouse.read("rewards").groupBy("reward").count().collect()}
    assert counts == {1.0: 10, 2.0: 5}


def test_rows_of_one_key_in_a_batch_become_one_whatever_their_order(
    spark: SparkSession, tmp_path: Path, rewards: Rewards
) -> None:
    batches = [rewards(0, 3, 2.0).union(rewards(0, 3, 1.0)), rewards(0, 3, 1.0).union(rewards(0, 3, 2.0))]
    for number, batch in enumerate(batches):
        warehouse = Warehouse(spark, Location(path=str(tmp_path / str(number))))
        assert warehouse.insert("rewards", batch) == 3
        assert {row["reward"] for row in warehouse.read("rewards").collect()} == {1.0}


def test_a_map_column_does_not_hinder_that_choice(warehouse: Warehouse, spark: SparkSession) -> None:
    row = spark.sql(
        """SELECT 'run' AS run_id, 'ingest' AS stage, CAST(NULL AS string) AS campaign, 'h' AS settings_hash,
        '{}' AS settings, CAST(NULL AS string) AS git, timestamp'2025-01-01' AS started, 1.0d AS seconds, 1L AS rows_in,
        1L AS rows_out, 0L AS duplicates, map('x', 1L) AS quarantined, 0L AS engine_calls, 0L AS engine_calls_saved,
        '{}' AS detail"""
    )
    assert warehouse.insert("stage_runs", row.union(row.withColumn("quarantined", F.expr("map('a', 2L)")))) == 1


def test_a_literal_bucket_keeps_the_files_of_other_buckets_closed(
    spark: SparkSession, tmp_path: Path, rewards: Rewards
) -> None:
    warehouse = Warehouse(spark, Location(path=str(tmp_path)), buckets=4)
    warehouse.insert("rewards", rewards(0, 100))
    bucket = F.expr("pmod(xxhash64(response_id), 4)")
    inserted = warehouse.insert("rewards", rewards(0, 200, 2.0).filter(bucket == 2), in_buckets=[2])
    assert inserted == rewards(100, 200).filter(bucket == 2).count()
    conditions = last_commit(warehouse, "rewards")["operationParameters"]
    assert "bucket" in str(conditions)
    pruned = warehouse.read("rewards").filter("bucket = 2")
    assert len(pruned.inputFiles()) < len(warehouse.read("rewards").inputFiles())
    assert pruned.filter(bucket != 2).count() == 0


def test_a_commit_over_some_buckets_opens_no_file_of_the_others(
    spark: SparkSession, tmp_path: Path, rewards: Rewards
) -> None:
    warehouse = Warehouse(spark, Location(path=str(tmp_path)), buckets=4)
    warehouse.insert("rewards", rewards(0, 100))
    for other in (0, 3):  # a MERGE that read there would fail
        shutil.rmtree(tmp_path / "rewards" / f"bucket={other}")
    bucket = F.expr("pmod(xxhash64(response_id), 4)")
    version = warehouse.version("rewards")
    inserted = warehouse.insert("rewards", rewards(0, 200, 2.0).filter(bucket.isin(1, 2)), in_buckets=[1, 2])
    assert inserted == rewards(100, 200).filter(bucket.isin(1, 2)).count()
    assert warehouse.version("rewards") == version + 1
    kept = warehouse.read("rewards").filter("bucket IN (1, 2) AND reward = 1.0")
    assert kept.count() == rewards(0, 100).filter(bucket.isin(1, 2)).count()


def test_a_row_of_another_bucket_fails_the_shard(spark: SparkSession, tmp_path: Path, rewards: Rewards) -> None:
    warehouse = Warehouse(spark, Location(path=str(tmp_path)), buckets=4)
    warehouse.create("rewards")
    with pytest.raises(Exception, match="another bucket"):
        warehouse.insert("rewards", rewards(0, 100), in_buckets=[2, 3])
    assert warehouse.read("rewards").count() == 0


def test_the_number_of_buckets_is_fixed_when_the_table_is_made(
    spark: SparkSession, tmp_path: Path, rewards: Rewards
) -> None:
    Warehouse(spark, Location(path=str(tmp_path)), buckets=3).create("rewards")
    later = Warehouse(spark, Location(path=str(tmp_path)), buckets=8)
    assert later.bucket_count("rewards") == 3
    later.insert("rewards", rewards(0, 100))
    found = {row["bucket"] for row in later.read("rewards").select("bucket").distinct().collect()}
    assert found == {0, 1, 2}


def test_rows_with_other_columns_are_refused_by_name(warehouse: Warehouse, rewards: Rewards) -> None:
    rows = rewards(0, 1).drop("tokens").withColumn("extra", F.lit(1))
    with pytest.raises(InputError, match=r"rewards.*missing columns \['tokens'\], unknown columns \['extra'\]"):
        warehouse.insert("rewards", rows)


def test_replacing_touches_its_slice_only_in_one_commit(warehouse: Warehouse, spark: SparkSession) -> None:
    warehouse.replace("roles", roles(spark, "one", 5), {"campaign": "one"})
    warehouse.replace("roles", roles(spark, "two", 7), {"campaign": "two", "iteration": 0})
    before = warehouse.version("roles")
    warehouse.replace("roles", roles(spark, "two", 3), {"campaign": "two", "iteration": 0})
    assert warehouse.version("roles") == before + 1
    counts = {row["campaign"]: row["count"] for row in warehouse.read("roles").groupBy("campaign").count().collect()}
    assert counts == {"one": 5, "two": 3}


def test_rows_outside_their_slice_are_refused(warehouse: Warehouse, spark: SparkSession) -> None:
    warehouse.create("roles")
    with pytest.raises(Exception, match="REPLACE_WHERE"):
        warehouse.replace("roles", roles(spark, "one", 5), {"campaign": "two"})
    assert warehouse.read("roles").count() == 0


def test_publishing_checks_what_is_written_and_returns_the_version(warehouse: Warehouse, spark: SparkSession) -> None:
    seen: list[int] = []
    version = warehouse.publish(
        "roles", roles(spark, "one", 5), {"campaign": "one"}, lambda rows: seen.append(rows.count())
    )
    assert seen == [5]
    assert version == warehouse.version("roles")
    assert warehouse.read("roles").count() == 5


def test_a_failed_check_leaves_the_table_as_it_was_and_no_staging(
    warehouse: Warehouse, spark: SparkSession, tmp_path: Path
) -> None:
    def refuse(rows: DataFrame) -> None:
        raise GateError(f"{rows.count()} rows are too many")

    warehouse.replace("roles", roles(spark, "one", 2), {"campaign": "one"})
    version = warehouse.version("roles")
    with pytest.raises(GateError, match="5 rows are too many"):
        warehouse.publish("roles", roles(spark, "one", 5), {"campaign": "one"}, refuse)
    assert warehouse.version("roles") == version
    assert warehouse.read("roles").count() == 2
    assert [folder.name for folder in (tmp_path / "ware house").iterdir()] == ["roles"]


def test_every_way_to_write_stamps_its_commit(spark: SparkSession, tmp_path: Path, rewards: Rewards) -> None:
    key = "spark.databricks.delta.commitInfo.userMetadata"
    warehouse = Warehouse(spark, Location(path=str(tmp_path)), stamp={"campaign": "c1", "settings": "it's"})
    warehouse.insert("rewards", rewards(0, 3))
    warehouse.replace("roles", roles(spark, "one", 5), {"campaign": "one"})
    for table in ("rewards", "roles"):
        assert json.loads(str(last_commit(warehouse, table)["userMetadata"])) == warehouse.stamp
    assert spark.conf.get(key, "unset") == "unset", "the stamp must not leak into other people's commits"


def test_a_missing_table_is_an_error_that_says_so(warehouse: Warehouse) -> None:
    assert not warehouse.exists("roles")
    with pytest.raises(InputError, match=r"roles does not stand in .*ware house"):
        warehouse.read("roles")
    with pytest.raises(InputError, match="no table 'rolls'"):
        warehouse.read("rolls")


def test_pending_is_what_the_output_does_not_hold(warehouse: Warehouse, rewards: Rewards) -> None:
    warehouse.insert("rewards", rewards(0, 7))
    left = pending(rewards(0, 10), warehouse.read("rewards"), ["response_id", "engine_id"])
    assert sorted(row["response_id"] for row in left.collect()) == ["r0007", "r0008", "r0009"]


def test_a_schema_of_the_session_catalog_serves_as_well_as_a_path(spark: SparkSession, rewards: Rewards) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS `synpref_test`")
    warehouse = Warehouse(spark, Location(schema="synpref_test"))
    try:
        assert not warehouse.exists("rewards")
        assert warehouse.insert("rewards", rewards(0, 3)) == 3
        assert warehouse.insert("rewards", rewards(0, 4)) == 1
        version = warehouse.publish("roles", roles(spark, "one", 5), {"campaign": "one"}, lambda rows: None)
        assert (version, warehouse.read("roles").count()) == (1, 5)
        tables = spark.sql("SHOW TABLES IN `synpref_test`").where("NOT isTemporary").collect()
        names = {row["tableName"] for row in tables}
        assert names == {"rewards", "roles"}
    finally:
        spark.sql("DROP SCHEMA `synpref_test` CASCADE")


def test_a_schema_that_does_not_stand_is_told_with_the_sql_that_makes_it(spark: SparkSession, rewards: Rewards) -> None:
    warehouse = Warehouse(spark, Location(schema="synpref_typo"))
    told = r"store\.schema: there is no schema `synpref_typo`\. .*CREATE SCHEMA `synpref_typo`$"
    with pytest.raises(InputError, match=told):
        warehouse.insert("rewards", rewards(0, 3))


def test_of_two_tables_prepared_together_neither_changes_where_one_check_fails(
    warehouse: Warehouse, spark: SparkSession
) -> None:
    warehouse.publish("roles", roles(spark, "one", 3), {"campaign": "one"}, lambda rows: None)
    version = warehouse.version("roles")

    def refuse(rows: DataFrame) -> None:
        raise GateError("not good enough")

    with (
        pytest.raises(GateError, match="not good enough"),
        warehouse.prepared("roles", roles(spark, "one", 5), {"campaign": "one"}, lambda rows: None) as first,
        warehouse.prepared("roles", first, {"campaign": "one"}, refuse) as second,
    ):
        warehouse.swap("roles", second, {"campaign": "one"})
    assert warehouse.version("roles") == version
    assert warehouse.read("roles").count() == 3


def test_tables_are_readable_without_delta_features_of_spark_alone(warehouse: Warehouse) -> None:
    warehouse.create("rewards", "decisions")
    for table in ("rewards", "decisions"):
        detail = warehouse.delta(table).detail().select("minReaderVersion", "minWriterVersion", "tableFeatures").first()
        assert detail is not None
        assert (detail["minReaderVersion"], detail["minWriterVersion"]) == (1, 3)
        assert set(detail["tableFeatures"]) <= {"appendOnly", "invariants", "checkConstraints"}


def test_a_table_is_made_in_one_commit_and_documents_itself(warehouse: Warehouse) -> None:
    warehouse.create("decisions")
    assert warehouse.version("decisions") == 0
    detail = warehouse.delta("decisions").detail().select("description", "properties").first()
    assert detail is not None
    assert detail["description"] == TABLES["decisions"].comment
    schema = warehouse.read("decisions").schema
    for column in TABLES["decisions"].columns:
        assert schema[column.name].metadata.get("comment", "") == column.comment
        assert schema[column.name].nullable == column.nullable
    version = warehouse.version("decisions")
    warehouse.create("decisions")
    assert warehouse.version("decisions") == version


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": "0"}, "tokens_range"),
        ({"reward": "CAST(NULL AS double)"}, "(?i)not.null"),
    ],
)
def test_constraints_hold_for_every_insert(
    warehouse: Warehouse, rewards: Rewards, change: dict[str, str], message: str
) -> None:
    rows = rewards(0, 2).withColumns({name: F.expr(sql) for name, sql in change.items()})
    with pytest.raises(Exception, match=message):
        warehouse.insert("rewards", rows)


def test_constraints_hold_for_every_replacement(warehouse: Warehouse, spark: SparkSession) -> None:
    with pytest.raises(Exception, match="role_allowed"):
        warehouse.replace("roles", roles(spark, "one", 2, role="emperor"), {"campaign": "one"})


def test_delta_rs_reads_the_tables(warehouse: Warehouse, rewards: Rewards) -> None:
    warehouse.insert("rewards", rewards(0, 5))
    table = deltalake.DeltaTable(warehouse.location.folder("rewards"))
    assert table.to_pyarrow_table().num_rows == 5


def test_a_foreign_delta_log_is_left_alone(warehouse: Warehouse, spark: SparkSession) -> None:
    folder = warehouse.location.folder("roles")
    spark.range(1).write.format("delta").save(folder)
    warehouse.create("roles")
    assert DeltaTable.forPath(spark, folder).toDF().columns == ["id"]
