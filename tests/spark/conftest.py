"""One Spark session with Delta for the whole run, and an empty warehouse for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synpref.spark import open_session
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    scratch = tmp_path_factory.mktemp("spark scratch")
    session = open_session(
        app_name="synpref tests",
        master="local[2]",
        driver_memory="3g",
        extra={
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.local.dir": str(scratch),
            "spark.driver.extraJavaOptions": "-XX:ReservedCodeCacheSize=240m",  # one JVM for hundreds of tests
        },
    )
    yield session
    session.stop()


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    return Warehouse(spark, Location(path=str(tmp_path / "ware house")))
