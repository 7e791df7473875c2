"""Where a run may lie, and which sessions it can use: told before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.session import check_places
from synpref.spark import classic


@pytest.mark.parametrize("address", ["s3://bucket/run", "dbfs:/run", "abfss://c@a.dfs.core.windows.net/run"])
def test_a_run_s_folder_cannot_be_an_object_store(address: str, tmp_path: Path) -> None:
    words = [f"run.dir={address}", f"store.path={tmp_path}", f"mlflow.tracking_uri=sqlite:///{tmp_path}/m.db"]
    with pytest.raises(InputError, match=r"run\.dir: .* is no folder; give one that the driver and all workers mount"):
        check_places(load_settings(["demo"], words))


def test_tables_may_lie_on_an_object_store(tmp_path: Path) -> None:
    words = [f"run.dir={tmp_path}/my run", "store.path=s3://bucket/warehouse"]
    check_places(load_settings(["demo"], words))
    assert (tmp_path / "my run").is_dir()


def test_spark_connect_is_refused_with_what_to_take_instead() -> None:
    connected: Any = type("SparkSession", (), {"__module__": "pyspark.sql.connect.session"})()
    with pytest.raises(InputError, match="dedicated access mode"):
        classic(connected)
    plain: Any = type("SparkSession", (), {"__module__": "pyspark.sql.session"})()
    assert classic(plain) is plain
