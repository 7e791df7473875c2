"""What became of one expectation, and those outcomes as rows of `quality_results`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
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


def now() -> datetime:
    """Return the time of a check, in UTC."""
    return datetime.now(UTC)
