from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from synpref.stage1.human_labels import batch_of, latest_answers


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (batch_of(0), batch_of(1)),
        (batch_of(2), batch_of(10)),
        (batch_of(0), "0-seed-corrected"),
        (batch_of(10), "corrected"),
    ],
)
def test_the_answer_of_the_latest_batch_counts(spark: SparkSession, earlier: str, later: str) -> None:
    rows = [("c", "ann", batch, verdict) for batch, verdict in ((earlier, "a"), (later, "b"))]
    answers = spark.createDataFrame(rows, "comparison_id string, annotator string, batch string, verdict string")
    assert [row["verdict"] for row in latest_answers(answers).collect()] == ["b"]
