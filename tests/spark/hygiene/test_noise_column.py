"""The Column twin of noise strikes what the rule strikes."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

from synpref.hygiene.noise import flip_label, flip_label_column
from synpref.pairs.identity import hash128


@pytest.mark.parametrize(("share", "seed"), [(0.3, 7), (0.0, 1), (1.0, -5)])
def test_twin_agrees_for_every_label(spark: SparkSession, share: float, seed: int) -> None:
    rows = [(hash128("c", str(n)), label) for n in range(150) for label in ("a", "b", "tie", "none")]
    frame = spark.createDataFrame(rows, "comparison_id string, label string")
    found = frame.select("comparison_id", "label", flip_label_column(sf.col("label"), share, seed).alias("noisy"))
    wrong = [row for row in found.collect() if row.noisy != flip_label(row.label, row.comparison_id, share, seed)]
    assert wrong == []
