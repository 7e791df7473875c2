"""The folder of a Delta table as an input: what the table holds now is read, and nothing of what it held before."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synpref.errors import InputError
from synpref.pairs import delta_folders
from synpref.pairs.delta_folders import check_no_table
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


@pytest.mark.parametrize("scheme", ["", "file:"])
def test_tables_anywhere_below_an_input_are_found(spark: SparkSession, tmp_path: Path, scheme: str) -> None:
    for log in ("a/y=1/_delta_log", "a/y=1/d=1/_delta_log", "b c/y=2/d=%3A/_delta_log"):
        (tmp_path / log).mkdir(parents=True)
    files = [f"{scheme}{tmp_path}/{name}.parquet" for name in ("plain/1", "a/y=1/d=1/1", "b c/y=2/d=%3A/1", "2")]
    with pytest.raises(InputError, match=f"holds the Delta table {scheme}{tmp_path}/a/y=1 and 1 more, "):
        check_no_table(spark, f"{scheme}{tmp_path}", files)
    check_no_table(spark, f"{scheme}{tmp_path}", [files[0], files[3]])


@pytest.mark.parametrize("path", ["s3a://bucket/in", "s3a://bucket/in/", "s3a://bucket/i*", "s3a://bucket/{in,out}/*"])
def test_each_folder_of_an_input_is_looked_at_once_and_none_above_it(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    looked_at: list[str] = []
    monkeypatch.setattr(delta_folders, "_holds_log", lambda _, folder: looked_at.append(folder))
    monkeypatch.setattr("delta.tables.DeltaTable.isDeltaTable", None)  # it asks for all folders above
    days = [f"s3a://bucket/in/y={year}/d={day}" for year in (1, 2) for day in range(5)]
    check_no_table(spark, path, [f"{day}/{part}.parquet" for day in days for part in range(3)])
    below = [*days, "s3a://bucket/in/y=1", "s3a://bucket/in/y=2"]
    assert sorted(looked_at) == sorted(below if path.endswith("/") else [*below, "s3a://bucket/in"])


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


def no_commit(log: Path) -> None:
    shutil.rmtree(log)
    log.mkdir()


def rewrite(log: Path, change: Callable[[str], str]) -> None:
    shutil.copy(log / f"{0:020}.json", kept := log.parent.parent / "kept.json")
    no_commit(log)  # without the checksums, which hold the protocol too
    (log / f"{0:020}.json").write_text(change(kept.read_text()))


def of_the_future(commit: str) -> str:
    features = {"readerFeatures": ["ofTheFuture"], "writerFeatures": ["ofTheFuture"]}
    protocol = json.dumps({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}})
    return "\n".join(protocol if '"protocol"' in line else line for line in commit.splitlines())


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (no_commit, "DELTA_TABLE_NOT_FOUND"),
        (lambda log: rewrite(log, lambda _: "nonsense{"), rf"(JsonParseException|{0:020}\.json)"),
        (lambda log: rewrite(log, lambda _: ""), "DELTA_STATE_RECOVER_ERROR"),
        (lambda log: rewrite(log, of_the_future), "ofTheFuture"),
    ],
    ids=["empty", "nonsense", "no protocol", "unknown feature"],
)
def test_a_table_whose_log_cannot_be_read_is_an_input_error_that_names_it(
    spark: SparkSession, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    path = tmp_path / "spoilt"
    put(spark, path, ["a", "b"])
    spoil(path / "_delta_log")
    with pytest.raises(InputError, match=f"^{path}: cannot be read as a Delta table: .*{told}.* Restore it") as found:
        read(spark, path)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(Path.unlink, "is not there. Restore it"), (lambda file: file.write_bytes(b"PAR1"), "the file is damaged")],
    ids=["missing", "truncated"],
)
def test_a_file_that_a_table_lacks_is_named(
    spark: SparkSession, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    path = tmp_path / "spoilt"
    put(spark, path, ["a", "b"])
    file = next(path.glob("topic=a/*.parquet"))
    spoil(file)
    with pytest.raises(InputError, match=f"^{re.escape(str(file))}: .*{told}"):
        read(spark, path)
