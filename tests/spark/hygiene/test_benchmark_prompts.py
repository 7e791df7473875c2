"""The list of benchmark prompts is read, or refused with its reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from synpref.errors import InputError
from synpref.hygiene.benchmark_prompts import read_benchmark_prompts

LINE = '{"benchmark": "bench", "prompt": "What is it?", "more": 1}\n'


def test_parquet_json_lines_and_gz_are_read_as_one_list(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    paths = [folder / name for name in ("one.parquet", "two.jsonl", "three.jsonl.gz")]
    pq.write_table(pa.table({"benchmark": ["bench"], "prompt": ["What is it?"], "more": [2]}), paths[0])
    paths[1].write_text(LINE)
    paths[2].write_bytes(gzip.compress(LINE.encode()))
    rows = read_benchmark_prompts(spark, [str(path) for path in paths]).collect()
    assert [tuple(row) for row in rows] == [("bench", "What is it?")] * 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.jsonl", b"", "no rows"),
        ("no_prompt.jsonl", b'{"benchmark": "bench"}\n', "1 of 1 rows lack"),
        ("blank.jsonl", LINE.encode() + b'{"benchmark": "bench", "prompt": "  "}\n', "1 of 2 rows lack"),
        ("broken.jsonl", LINE.encode() + b'{"benchmark": "ben\n', "1 of 2 rows lack"),
        ("text.parquet", b"this is no parquet file at all", "cannot be read as parquet"),
    ],
)
def test_an_unusable_file_is_an_error_that_names_it(
    spark: SparkSession, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{name}.*{message}"):
        read_benchmark_prompts(spark, [str(path)])


def test_a_missing_file_and_no_file_are_errors(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.parquet.*cannot be read"):
        read_benchmark_prompts(spark, [str(tmp_path / "nowhere.parquet")])
    with pytest.raises(InputError, match="no file"):
        read_benchmark_prompts(spark, [])


def test_a_missing_or_wrong_column_shows_those_found(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"benchmark": ["bench"], "prompt": [7], "question": ["?"]}), path)
    with pytest.raises(InputError, match=r"'prompt'.*prompt bigint, question string"):
        read_benchmark_prompts(spark, [str(path)])


def test_a_delta_folder_is_read_at_its_last_version(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "prompts")
    for prompt in ("What was it?", "What is it?"):  # the first one's file stays in the folder
        rows = spark.createDataFrame([("bench", prompt)], "benchmark string, prompt string")
        rows.coalesce(1).write.format("delta").mode("overwrite").save(path)
    assert [tuple(row) for row in read_benchmark_prompts(spark, [path]).collect()] == [("bench", "What is it?")]
    with pytest.raises(InputError, match="lies inside the Delta table"):
        read_benchmark_prompts(spark, [str(next((tmp_path / "prompts").glob("*.parquet")))])
