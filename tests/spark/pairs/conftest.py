"""Read rows of a shape without files: what a reader and the structure check make of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synpref.pairs.readers.fields import TEXT_MAP, json_fields
from synpref.pairs.readers.kinds import sniff
from synpref.pairs.readers.shapes import choose_shape
from synpref.pairs.structure import structure_reason

Parse = Callable[..., tuple[str, list[dict[str, Any]]]]


@pytest.fixture
def parse(spark: SparkSession) -> Parse:
    """Give (shape found, one dict a row: messages, first_text, second_text, preference, reason, extra)."""

    def run(rows: Sequence[dict[str, Any]], shape: str = "auto") -> tuple[str, list[dict[str, Any]]]:
        lines = [(index, json.dumps(row)) for index, row in enumerate(rows)]
        raw = spark.createDataFrame(lines, "index int, raw string").withColumn("fields", F.from_json("raw", TEXT_MAP))
        fields, _ = sniff(raw, json_fields(()))
        reader = choose_shape(fields, shape, "rows")
        common = reader.read(raw, fields).withColumn("extra", fields.rest(reader.used(fields)))
        columns = [F.col(name) for name in ("problem", "messages", "first_text", "second_text", "preference")]
        checked = common.withColumn("reason", structure_reason(*columns)).orderBy("index")
        return reader.name, [row.asDict(recursive=True) for row in checked.collect()]

    return run
