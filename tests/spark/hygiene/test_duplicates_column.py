"""The tally's primary occurrence is the survivor that the rule names."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import SparkSession

from synpref.hygiene.duplicates import Occurrence, survivor, tally

SEEN = (
    "file_id string, row string, source string, comparison_id string, label string, margin double, "
    "label_origin string, `group` string"
)


@pytest.mark.parametrize("priority", [[], ["lab"], ["forum", 'web\'s "best"; --', "lab"]])
def test_primary_occurrence_and_sources_of_random_pools(spark: SparkSession, priority: list[str]) -> None:
    draw = random.Random(3)
    sources = ["lab", "forum", 'web\'s "best"; --', "\u00e9lsewhere"]
    seen: dict[str, list[Occurrence]] = {}
    for place in range(300):
        one = Occurrence(draw.choice(sources), draw.choice(["f1", "f2"]), str(place))
        seen.setdefault(f"c{draw.randrange(80)}", []).append(one)
    rows = [
        (one.file_id, one.row, one.source, key, "a", None, f"by {one.row}", f"g{one.row}")
        for key, many in seen.items()
        for one in many
    ]
    files = spark.createDataFrame([("f1", "pool"), ("f2", "test")], "file_id string, use string")
    for row in tally(spark.createDataFrame(rows, SEEN), files, priority).collect():
        many = seen[row.comparison_id]
        first = survivor(many, priority)
        assert Occurrence(row.primary.source, row.primary.file_id, row.primary.row) == first
        assert (row.primary.label_origin, row.primary.group) == (f"by {first.row}", f"g{first.row}")
        assert row.sources == sorted({one.source for one in many})
        assert row.occurrences == len(many)
        assert row.test == any(one.file_id == "f2" for one in many)


def test_rows_that_are_no_comparison_are_not_tallied(spark: SparkSession) -> None:
    rows = [("f1", "1", "s", None, "none", None, "human", None), ("f1", "2", "s", "c", "a", None, "human", None)]
    files = spark.createDataFrame([("f1", "pool")], "file_id string, use string")
    assert [row.comparison_id for row in tally(spark.createDataFrame(rows, SEEN), files, []).collect()] == ["c"]
