"""Raw rows of an input: file, row key, and the row itself, before any reader looks at it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from synpref.errors import InputError
from synpref.pairs.columns import hash128_column
from synpref.pairs.files import InputFile, InputFiles
from synpref.pairs.identity import hash128
from synpref.pairs.parquet import read_parquet
from synpref.pairs.readers.fields import TEXT_MAP, Fields, json_fields, parquet_fields


def file_id(file: InputFile, reading: Mapping[str, object]) -> str:
    """Identify a file and the way it is read: path, bytes, modification time, reading settings."""
    return hash128(file.uri, str(file.length), str(file.modified), json.dumps(reading, sort_keys=True))


def _file_id_column(reading: Mapping[str, object]) -> Column:
    """Twin of `file_id` over the metadata of the file that a row stands in."""
    modified = F.unix_micros(F.col("_metadata.file_modification_time")).cast("string")
    told = F.lit(json.dumps(reading, sort_keys=True))
    path, length = F.col("_metadata.file_path"), F.col("_metadata.file_size").cast("string")
    return hash128_column(path, length, modified, told).alias("file_id")


def quoted(name: str) -> str:
    """Quote a column name that may hold dots or backticks."""
    return "`" + name.replace("`", "``") + "`"


def raw_rows(spark: SparkSession, found: InputFiles, reading: Mapping[str, object]) -> tuple[DataFrame, Fields]:
    """Open the files of an input: rows with file_id, row and `raw` (JSON lines also `fields`), and access to them."""
    if found.format == "parquet":
        return _parquet_rows(spark, found, reading)
    return _json_rows(spark, found, reading)


def _parquet_rows(spark: SparkSession, found: InputFiles, reading: Mapping[str, object]) -> tuple[DataFrame, Fields]:
    frame = read_parquet(spark, found)
    if not frame.columns:
        raise InputError(f"{found.path}: the parquet files have no columns.")
    rows = frame.select(
        _file_id_column(reading),
        F.col("_metadata.row_index").cast("string").alias("row"),
        F.struct(*(F.col(quoted(name)) for name in frame.columns)).alias("raw"),
    )
    return rows, parquet_fields(frame.schema)


def _json_rows(spark: SparkSession, found: InputFiles, reading: Mapping[str, object]) -> tuple[DataFrame, Fields]:
    lines = spark.read.options(**found.options).text(found.path)
    # invalid UTF-8 would stop every Python worker that meets it; as U+FFFD it is a text like any other
    rows = lines.select(_file_id_column(reading), F.make_valid_utf8("value").alias("raw")).where(F.trim("raw") != "")
    rows = rows.withColumn("fields", F.from_json("raw", TEXT_MAP))
    return rows, json_fields(())


def with_row_keys(rows: DataFrame) -> DataFrame:
    """Name each JSON line by its hash and a counter among equal lines of its file; parquet rows have their index.

    The counter costs a shuffle of the lines. Which of several equal lines gets which number means nothing.
    """
    if "row" in rows.columns:
        return rows
    rows = rows.withColumn("line", hash128_column(F.col("raw")))
    counter = F.row_number().over(Window.partitionBy("file_id", "line").orderBy(F.lit(0))) - 1
    return rows.withColumn("row", F.concat_ws("-", "line", counter.cast("string"))).drop("line")
