from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.quality.gate import Gate
from synpref.session import opened, run_job
from synpref.stage import Outcome, Stage
from synpref.store import maintenance
from synpref.store.maintenance import file_count
from synpref.store.warehouse import Warehouse

DELTA_S_OWN = "spark.databricks.delta.lastCommitVersionInSession"


def filled(stage: Stage) -> Outcome:
    """A job whose engine answers five rows, each a shard."""
    for number in range(5):
        row = (f"r{number}", "e", 0.5, 7, False)
        schema = "response_id string, engine_id string, reward double, tokens int, truncated boolean"
        stage.warehouse.insert("rewards", stage.warehouse.spark.createDataFrame([row], schema), unique=True)
    return Outcome(rows_in=5, rows_out=5, engine_calls=5)


def test_a_stage_whose_engines_answered_compacts_their_tables_when_that_is_due(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"run.dir={tmp_path / 'my run'}", "store.optimize_every=5"]
    (tmp_path / "my run").mkdir()
    stage = Stage("score", "first", load_settings(["demo"], words), warehouse, Gate())
    run_job(stage, filled)
    assert "score: rewards: small files compacted" in capsys.readouterr().err
    assert file_count(warehouse, "rewards") == 1
    version = warehouse.version("rewards")
    run_job(replace(stage, run_id="second"), lambda _: Outcome(rows_in=1, rows_out=1, engine_calls_saved=1))
    assert warehouse.version("rewards") == version


def test_a_conflict_with_another_job_s_commit_while_files_are_compacted_fails_no_finished_stage(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crossed(*_: object) -> None:
        raise RuntimeError("[DELTA_CONCURRENT_DELETE_READ] Transaction conflict detected")

    monkeypatch.setattr(maintenance, "optimize", crossed)
    words = [f"run.dir={tmp_path / 'run'}", "store.optimize_every=5"]
    (tmp_path / "run").mkdir()
    run_job(Stage("score", "first", load_settings(["demo"], words), warehouse, Gate()), filled)
    told = capsys.readouterr().err
    assert "score: rewards: another job writes to it, so its small files are compacted another time" in told
    assert "score: done" in told


def test_a_laptop_session_carries_no_defaults_of_other_systems(spark: SparkSession) -> None:
    context: Any = spark.sparkContext._jsc
    configuration = context.hadoopConfiguration()
    spark.range(3).rdd.map(lambda row: row).count()  # what loads Hadoop's job classes must not bring them back
    assert not configuration.getPropsWithPrefix("yarn.")
    assert not configuration.getPropsWithPrefix("mapreduce.jobtracker.")
    assert configuration.get("fs.AbstractFileSystem.file.impl")  # Hadoop's own stay


def test_a_session_that_stands_is_left_as_it_is(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("SHOW DATABASES").collect()  # Spark completes the place of its warehouse when it is first asked
    before = _configured(spark)
    words = [f"run.dir={tmp_path}", f"store.path={tmp_path}/tables", f"mlflow.tracking_uri=sqlite:///{tmp_path}/m.db"]
    settings = load_settings(["demo"], [*words, "spark.conf={spark.sql.shuffle.partitions: '77'}"])
    with opened(settings, "score", "run") as stage:
        assert stage.warehouse.spark is spark
        run_job(stage, filled)
    after = _configured(spark)
    assert {
        name: (before.get(name), after.get(name))
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    } == {}
    assert spark.range(1).count() == 1  # nor is it stopped


def _configured(spark: SparkSession) -> dict[str, str | None]:
    found = {**dict(spark.sparkContext.getConf().getAll()), **spark.conf.getAll}
    return {name: value for name, value in found.items() if name != DELTA_S_OWN}
