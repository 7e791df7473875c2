"""The folder of a Delta table as an input: what the table holds now is read, and nothing of what it held before."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synpref.errors import InputError
from synpref.pairs.ingest import read_input
from synpref.pairs.ingested import Ingested
from synpref.pairs.write import write_ingested
from synpref.store.warehouse import Warehouse

SCHEMA = "prompt string, chosen string, rejected string, topic string"


def put(spark: SparkSession, path: Path, prompts: list[str], mode: str = "append") -> None:
    rows = [(prompt, "better", "worse", prompt[:1]) for prompt in prompts]
    frame = spark.createDataFrame(rows, SCHEMA).coalesce(1)
    frame.write.format("delta").partitionBy("topic").mode(mode).save(str(path))


def read(spark: SparkSession, path: Path | str, kind: str = "auto") -> Ingested:
    return read_input(spark, path=str(path), source="in", format=kind)


def prompts(found: Ingested) -> list[str]:
    return sorted(row["messages"][0]["content"] for row in found.prompts.collect())


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> Path:
    """A table whose first rows were overwritten and one of whose later rows was deleted."""
    path = tmp_path / "my [1] tables" / "pairs"
    put(spark, path, ["a old", "b old"])
    put(spark, path, ["a new", "b new", "b gone"], "overwrite")
    spark.sql(f"DELETE FROM delta.`{path}` WHERE prompt = 'b gone'")
    return path


def test_what_a_table_has_replaced_or_removed_is_not_read(spark: SparkSession, table: Path) -> None:
    found = read(spark, table)
    assert prompts(found) == ["a new", "b new"]
    assert (found.version, found.told) == (2, "Delta table, version 2, shape text")
    assert (found.format, found.path) == ("parquet", str(table))
    assert '"topic":"a"' in "".join(row["extra"] for row in found.occurrences.collect())  # no column of any file
    assert len(list(table.rglob("*.parquet"))) > len(found.read)


def test_every_row_of_a_table_is_accounted_for_and_read_once_a_version(
    spark: SparkSession, warehouse: Warehouse, table: Path
) -> None:
    put(spark, table, ["a new", "a new", "d worse"])
    spark.sql(f"UPDATE delta.`{table}` SET chosen = 'worse' WHERE topic = 'd'")
    (counts,) = write_ingested(warehouse, read(spark, table))
    assert (counts.rows_in, counts.comparisons, counts.duplicates) == (5, 2, 2)
    assert counts.quarantined == {"identical_responses": 1}
    before = warehouse.read("occurrences").count()
    (again,) = write_ingested(warehouse, read(spark, table, "parquet"))
    assert (again, warehouse.read("occurrences").count()) == (counts, before)
    put(spark, table, ["c newest"])
    (more,) = write_ingested(warehouse, read(spark, table))
    assert more.rows_in == 6


def test_rows_only_marked_as_deleted_are_not_read(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "marked"
    put(spark, path, ["a kept", "a gone"])
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    whole = read(spark, path)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE prompt = 'a gone'")
    left = read(spark, path)
    assert ([file.path for file in left.read], prompts(left)) == ([file.path for file in whole.read], ["a kept"])
    assert left.file_ids != whole.file_ids


def test_a_table_inside_an_input_is_refused(spark: SparkSession, table: Path) -> None:
    told = rf"{table.parent.name}: holds the Delta table {table}, whose folders also hold .* Name the folder of each"
    with pytest.raises(InputError, match=told.replace("[", r"\[").replace("]", r"\]")):
        read(spark, table.parent)


@pytest.mark.parametrize("inside", ["topic=a", "topic=a/*.parquet"])
def test_a_part_of_a_table_is_refused(spark: SparkSession, table: Path, inside: str) -> None:
    plain = table.parent.rename(table.parent.parent / "plain") / "pairs"
    with pytest.raises(InputError, match=rf"lies inside the Delta table {plain}, whose .* Name the table's folder"):
        read(spark, f"{plain}/{inside}")


def test_a_table_without_rows_or_read_as_lines_is_refused(spark: SparkSession, table: Path) -> None:
    with pytest.raises(InputError, match="a Delta table, whose files are parquet"):
        read(spark, table, "jsonl")
    put(spark, table, [], "overwrite")
    with pytest.raises(InputError, match=r"the Delta table has no rows \(version 3\)"):
        read(spark, table)
