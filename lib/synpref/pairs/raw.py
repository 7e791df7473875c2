"""Raw rows of an input: file, row key, and the row itself, before any reader looks at it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from synpref.errors import InputError
from synpref.pairs.columns import hash128_column
from synpref.pairs.delta_folders import read_version
from synpref.pairs.files import InputFile, InputFiles, described
from synpref.pairs.identity import hash128
from synpref.pairs.parquet import read_parquet
from synpref.pairs.readers.fields import TEXT_MAP, Fields, json_fields, parquet_fields


def file_id(file: InputFile, reading: Mapping[str, object]) -> str:
    """Identify a file and the way it is read: path, bytes, modification time, reading settings."""
    return hash128(file.uri, str(file.length), str(file.modified), json.dumps(reading, sort_keys=True))


def _file_id_column(reading: Mapping[str, object]) -> Column:
    """Twin of `file_id` over the metadata of the file that a row stands in."""
    path, length, modified = described()
    told = F.lit(json.dumps(reading, sort_keys=True))
    return hash128_column(path, length.cast("string"), modified.cast("string"), told).alias("file_id")


def quoted(name: str) -> str:
    """Quote a column name that may hold dots or backticks."""
    return "`" + name.replace("`", "``") + "`"


def raw_rows(spark: SparkSession, found: InputFiles, reading: Mapping[str, object]) -> tuple[DataFrame, Fields]:
    """Open the files of an input: rows with file_id and `raw` (JSON lines also `fields`), and access to them.

    Rows of parquet files have `row`; see `with_row_keys` for the others.
    """
    if found.format == "parquet":
        return _parquet_rows(spark, found, reading)
    return _json_rows(spark, found, reading)


def _parquet_rows(spark: SparkSession, found: InputFiles, reading: Mapping[str, object]) -> tuple[DataFrame, Fields]:
    version = found.version
    frame = read_parquet(spark, found) if version is None else read_version(spark, found.path, version)
    if not frame.columns:
        raise InputError(f"{found.path}: the parquet files have no columns.")
    # Delta gives a row's index in its file only where the table's own features need it
    index = [] if version is not None else [F.col("_metadata.row_index").cast("string").alias("row")]
    raw = F.struct(*(F.col(quoted(name)) for name in frame.columns)).alias("raw")
    return frame.select(_file_id_column(reading), *index, raw), parquet_fields(frame.schema)


def _json_rows(spark: SparkSession, found: InputFiles, reading: Mapping[str, object]) -> tuple[DataFrame, Fields]:
    lines = spark.read.options(**found.options).text(found.path)
    # invalid UTF-8 would stop every Python worker that meets it; as U+FFFD it is a text like any other
    rows = lines.select(_file_id_column(reading), F.make_valid_utf8("value").alias("raw")).where(F.trim("raw") != "")
    rows = rows.withColumn("fields", F.from_json("raw", TEXT_MAP))
    return rows, json_fields(())


def with_row_keys(rows: DataFrame) -> DataFrame:
    """Name each JSON line, or row of a table, by its hash and a counter among equal ones of its file.

    Rows of parquet have their index. The counter costs a shuffle of the rows. Which of several equal ones gets which
    number means nothing.
    """
    if "row" in rows.columns:
        return rows
    raw = F.col("raw")
    line = raw if isinstance(rows.schema["raw"].dataType, StringType) else F.to_json(raw)
    rows = rows.withColumn("line", hash128_column(line))
    counter = F.row_number().over(Window.partitionBy("file_id", "line").orderBy(F.lit(0))) - 1
    return rows.withColumn("row", F.concat_ws("-", "line", counter.cast("string"))).drop("line")
