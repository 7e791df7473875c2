from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from synpref.errors import InputError
from synpref.pairs.exports import write_trl
from synpref.pairs.ingest import read_input
from synpref.pairs.ingested import Ingested
from synpref.pairs.write import write_ingested
from synpref.store.warehouse import Warehouse

CONTENT = ("files", "occurrences", "prompts", "responses", "comparisons", "quarantine")


def read(spark: SparkSession, path: Path, rows: list[dict[str, Any]]) -> Ingested:
    if not path.exists():
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_input(spark, path=str(path), source=path.stem)


def test_inputs_are_written_once_in_one_commit_a_table_and_counted_each(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path
) -> None:
    row = {"prompt": "p", "chosen": "c", "rejected": "r"}
    one = [row, row, {**row, "chosen": "r"}]
    other = [row, {**row, "chosen": "d"}]
    inputs = [read(spark, tmp_path / "one.jsonl", one), read(spark, tmp_path / "other.jsonl", other)]
    counts = write_ingested(warehouse, *inputs)
    assert [count.rows_in for count in counts] == [3, 2]
    assert [count.comparisons for count in counts] == [1, 2]
    assert [count.duplicates for count in counts] == [1, 0]
    assert [count.quarantined for count in counts] == [{"identical_responses": 1}, {}]
    assert all(count.reconcile() for count in counts)
    sizes = {table: warehouse.read(table).count() for table in CONTENT}
    expected = {"files": 2, "occurrences": 5, "prompts": 1, "responses": 3, "comparisons": 2, "quarantine": 1}
    assert sizes == expected
    versions = {table: warehouse.version(table) for table in CONTENT}

    again = [read(spark, tmp_path / "one.jsonl", one), read(spark, tmp_path / "other.jsonl", other)]
    assert write_ingested(warehouse, *again) == counts
    assert {table: warehouse.version(table) for table in CONTENT} == versions

    more = read(spark, tmp_path / "more.jsonl", [{**row, "chosen": "e"}, row])
    (count,) = write_ingested(warehouse, more)
    assert count.comparisons == 2
    assert warehouse.read("comparisons").count() == 3
    assert warehouse.read("occurrences").count() == 7


def test_a_file_cut_off_behind_its_first_rows_is_named_and_nothing_of_it_is_written(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl.gz"
    row = json.dumps({"prompt": "p", "chosen": "c", "rejected": "r"}) + "\n"
    path.write_bytes(gzip.compress(row.encode() * 50_000)[:-20])
    with pytest.raises(InputError, match=r"x\.jsonl\.gz: the file is damaged"):
        write_ingested(warehouse, read(spark, path, []))
    assert all(warehouse.read(table).isEmpty() for table in CONTENT)


@pytest.mark.parametrize("labels", [[1, 2, 1], [2.0, 1.0], ["1", "tie", "2", None]])
def test_labels_that_count_from_one_are_refused_by_file(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path, labels: list[Any]
) -> None:
    row = {"prompt": "p", "response_a": "x"}
    rows = [{**row, "response_b": f"y{n}", "label": label} for n, label in enumerate(labels)]
    good = read(spark, tmp_path / "good.jsonl", [{**row, "response_b": "y", "label": 0}])
    told = r"from_one\.jsonl: 1 labels are 2, \d are 1 and none is 0\. .*Write a for 1 and b for 2"
    with pytest.raises(InputError, match=told):
        write_ingested(warehouse, good, read(spark, tmp_path / "from_one.jsonl", rows))
    assert all(warehouse.read(table).isEmpty() for table in CONTENT)


@pytest.mark.parametrize("labels", [[0, 1, 2], [1, 1], [2, 2], ["a", 1, 2], ["b", "tie", "both"]])
def test_other_labels_are_read_or_quarantined_one_by_one(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path, labels: list[Any]
) -> None:
    rows = [{"prompt": "p", "response_a": "x", "response_b": f"y{n}", "label": label} for n, label in enumerate(labels)]
    (count,) = write_ingested(warehouse, read(spark, tmp_path / "some.jsonl", rows))
    unknown = sum(label in (2, "both") for label in labels)
    assert (count.comparisons, count.quarantined) == (
        len(rows) - unknown,
        {"unknown_label": unknown} if unknown else {},
    )


def test_an_export_can_be_read_back_as_the_same_comparisons(spark: SparkSession, tmp_path: Path) -> None:
    curated = spark.createDataFrame(
        [([("user", "p")], "c", "r", "keep"), ([("system", "s"), ("user", "q")], "d", "e", "flip")],
        "prompt array<struct<role: string, content: string>>, chosen string, rejected string, decision string",
    )
    for form in ("json", "parquet"):
        folder = tmp_path / f"out {form}"
        write_trl(curated, folder, form)
        back = read_input(spark, path=str(folder), source="back")
        assert back.shape == "conversational"
        texts = {tuple(m["content"] for m in row["messages"]) for row in back.prompts.collect()}
        assert texts == {("p",), ("s", "q")}
        assert {row["text"] for row in back.responses.collect()} == {"c", "d", "e", "r"}
