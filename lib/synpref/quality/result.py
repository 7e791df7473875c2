"""What became of one expectation, and those outcomes as rows of `quality_results`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, StringType, StructField, StructType, TimestampType

_SCHEMA = StructType(
    [
        StructField("run_id", StringType()),
        StructField("suite", StringType()),
        StructField("expectation", StringType()),
        StructField("table", StringType()),
        StructField("success", BooleanType()),
        StructField("observed", StringType()),
        StructField("checked", TimestampType()),
    ]
)


@dataclass(frozen=True)
class Result:
    """One checked expectation: `expectation` is its type and arguments, `observed` JSON of what was seen."""

    table: str
    suite: str
    expectation: str
    success: bool
    observed: str
    checked: datetime

    def sentence(self) -> str:
        """Return the outcome as a person reads it, on one line."""
        return f"{self.expectation}: {'as expected' if self.success else 'NOT MET'}, observed {self.observed}"


def describe(kind: str, arguments: Mapping[str, Any]) -> str:
    """Return an expectation's type and arguments on one line, the same for the same ones."""
    told = {name: value for name, value in sorted(arguments.items()) if value is not None and name != "batch_id"}
    return f"{kind}({', '.join(f'{name}={json.dumps(value, default=str)}' for name, value in told.items())})"


def results_frame(spark: SparkSession, run_id: str, results: Iterable[Result]) -> DataFrame:
    """Return `results` (few) as rows of `quality_results`, of one run."""
    rows = [
        (run_id, result.suite, result.expectation, result.table, result.success, result.observed, result.checked)
        for result in results
    ]
    return spark.createDataFrame(rows, _SCHEMA)


def outcome_counts(results: DataFrame, run_ids: Sequence[str]) -> dict[str, int]:
    """Count suites, expectations and failed ones of some runs; of what was checked more than once, the last counts.

    results: rows of `quality_results`. A run may have failed in one stage, and yet be the one whose other stages stand.
    """
    latest = Window.partitionBy("suite", "expectation").orderBy(F.desc("checked"))
    last = results.where(F.col("run_id").isin(list(run_ids))).withColumn("_age", F.row_number().over(latest))
    row = (
        last.where("_age = 1")
        .agg(
            F.count_distinct("suite").alias("suites"),
            F.count("*").alias("expectations"),
            F.count_if(~F.col("success")).alias("failed"),
        )
        .first()
    )
    return row.asDict() if row else {"suites": 0, "expectations": 0, "failed": 0}


def now() -> datetime:
    """Return the time of a check, in UTC."""
    return datetime.now(UTC)
