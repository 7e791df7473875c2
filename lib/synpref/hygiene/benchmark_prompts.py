"""Reads the list of benchmark prompts that the pool must not repeat."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from synpref.errors import InputError
from synpref.pairs.delta_folders import read_version, table_readable, table_version

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

COLUMNS = ("benchmark", "prompt")
_CORRUPT = "_corrupt_record"
_JSONL = (".jsonl", ".json", ".jsonl.gz", ".json.gz", ".ndjson")


def read_benchmark_prompts(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Read benchmark prompts from parquet files or folders, JSON Lines (also gz; told by the name) and Delta tables.

    A table is named by its folder and read at its last version.

    Out: benchmark (its name), prompt (the text of its first user turn). Both are needed and not null in every row.
    Raises InputError naming the file: missing, not of its format, a column missing or not text, an empty value, or no
    rows; and where `paths` is empty.
    """
    if not paths:
        raise InputError("no file of benchmark prompts was named")
    return reduce(lambda above, below: above.unionByName(below), (_read_one(spark, path) for path in paths))


def _read_one(spark: SparkSession, path: str) -> DataFrame:
    jsonl = path.lower().endswith(_JSONL)
    version = table_version(spark, path)
    try:
        if version is not None:
            with table_readable(path):
                rows = read_version(spark, path, version)
        else:
            rows = _read_jsonl(spark, path) if jsonl else spark.read.parquet(path)
        _check_columns(rows, path)
        _check_values(rows, path, jsonl)
    except InputError:
        raise
    except Exception as error:  # Spark raises a class of its own for each way a file can be unreadable
        reason = str(error).strip().splitlines()[0][:300]
        kind = "JSON Lines" if jsonl else "parquet"
        raise InputError(f"benchmark prompts {path}: cannot be read as {kind} ({reason})") from error
    return rows.select(*COLUMNS)


def _read_jsonl(spark: SparkSession, path: str) -> DataFrame:
    schema = f"benchmark string, prompt string, {_CORRUPT} string"
    return spark.read.schema(schema).option("mode", "PERMISSIVE").json(path)


def _check_columns(rows: DataFrame, path: str) -> None:
    types = dict(rows.dtypes)
    for name in COLUMNS:
        if types.get(name) != "string":
            found = ", ".join(f"{column} {kind}" for column, kind in rows.dtypes)
            raise InputError(f"benchmark prompts {path}: needs a text column {name!r}; found: {found}")


def _check_values(rows: DataFrame, path: str, jsonl: bool) -> None:
    empty = [sf.coalesce(sf.trim(sf.col(name)), sf.lit("")) == "" for name in COLUMNS]
    bad = empty[0] | empty[1] | (sf.col(_CORRUPT).isNotNull() if jsonl else sf.lit(False))
    # one row: counts
    counts = rows.agg(sf.count("*").alias("rows"), sf.count(sf.when(bad, 1)).alias("bad")).collect()[0]
    if counts["rows"] == 0:
        raise InputError(f"benchmark prompts {path}: no rows; leave the setting empty to decontaminate against nothing")
    if counts["bad"]:
        raise InputError(
            f"benchmark prompts {path}: {counts['bad']} of {counts['rows']} rows lack a benchmark or a prompt as text"
        )
