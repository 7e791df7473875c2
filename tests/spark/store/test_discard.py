"""Rows of a derived table that no longer hold are deleted; where there are none, nothing is committed."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse


def test_stale_rows_go_and_nothing_is_committed_where_none_are(spark: SparkSession, warehouse: Warehouse) -> None:
    rows = [("c", 0, "x", "wild", None, None), ("c", 1, "x", "wild", None, 0), ("d", 1, "x", "wild", None, 1)]
    warehouse.replace("roles", spark.createDataFrame(rows[:2], TABLES["roles"].ddl()), {"campaign": "c"})
    warehouse.replace("roles", spark.createDataFrame(rows[2:], TABLES["roles"].ddl()), {"campaign": "d"})
    later = (F.col("campaign") == "c") & (F.col("iteration") > 0)
    warehouse.discard("roles", later)
    left = {(row["campaign"], row["iteration"]) for row in warehouse.read("roles").collect()}
    assert left == {("c", 0), ("d", 1)}
    version = warehouse.version("roles")
    warehouse.discard("roles", later)
    assert warehouse.version("roles") == version
