"""The parquet files of an input as one table, with the columns of all of them."""

from __future__ import annotations

import re

import pyarrow as pa
from pyarrow.parquet import read_schema
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from synpref.errors import InputError
from synpref.pairs.files import InputFile, InputFiles, damaged_files_named, first_line

# How Spark words that a task could not merge, whatever the exception is that carries it to Python
_UNMERGED = re.compile(r"\[CANNOT_MERGE_SCHEMAS\][^\n]*\n(.+?)\. SQLSTATE", re.DOTALL)


def read_parquet(spark: SparkSession, found: InputFiles) -> DataFrame:
    """Open parquet files: a column that a file lacks is null there.

    Raises InputError where Spark cannot make sense of them, or where two of them give one column different types.
    """
    reader = spark.read.options(**found.options)
    try:
        with damaged_files_named():
            if len(found.files) > 1:  # else Spark reads all by the schema of one file, without what others have more
                reader = reader.option("mergeSchema", "true")
            return reader.parquet(found.path)
    except InputError:
        raise
    except Exception as error:  # py4j's own exception or one of Spark's, by where the files were read
        told = _UNMERGED.search(str(error))
        if told is not None:
            raise InputError(
                f"{found.path}: {two_types(found.files) or ' '.join(told.group(1).split())}. Write the files with one "
                "schema, or name each as an input of its own."
            ) from error
        if not isinstance(error, PySparkException):
            raise
        raise InputError(f"{found.path}: not readable as parquet: {first_line(error)}") from error


def two_types(files: tuple[InputFile, ...]) -> str | None:
    """Name the first column, and a file of each type, that local files hold in two plain types; None without one."""
    seen: dict[str, tuple[pa.DataType, str]] = {}
    for file in files:
        if not file.is_local:
            return None
        for field in read_schema(file.path):
            kind, path = seen.setdefault(field.name, (field.type, file.path))
            if kind != field.type and not pa.types.is_nested(kind):
                return f"column {field.name} is {kind} in {path} and {field.type} in {file.path}"
    return None
