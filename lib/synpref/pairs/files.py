"""Find the files of an input: a file, a folder or a glob, on any file system that Spark can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.errors import InputError, SettingsError
from synpref.pairs.delta_folders import check_no_table, read_version, table_readable, table_version
from synpref.pairs.magic import ABSENT, DAMAGED, check_content, check_not_empty, check_readable

Format = Literal["parquet", "jsonl"]
_LINES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
# A data set's folder also holds info files in .json: they count only where there is nothing else
_IN_FOLDER: dict[Format, tuple[str, ...]] = {"parquet": (".parquet",), "jsonl": _LINES}
_AS_FILE: dict[Format, tuple[str, ...]] = {"parquet": (".parquet",), "jsonl": (*_LINES, ".json", ".json.gz")}
# How Spark words what a task meets in a file, whatever the exception is that carries it to Python
_DAMAGED = re.compile(r"\[FAILED_READ_FILE[^\]]*\] Encountered error while reading file (.+?)\.\s")
_NOT_THERE = "[FAILED_READ_FILE.FILE_NOT_EXIST]"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


@dataclass(frozen=True)
class InputFile:
    """One file: its URI as Spark encodes it, bytes, and when it was last changed (microseconds since 1970, UTC)."""

    uri: str
    length: int
    modified: int

    @property
    def path(self) -> str:
        """The path as a person writes it, without the scheme where the file lies on a local disk."""
        return _as_written(self.uri)

    @property
    def is_local(self) -> bool:
        """Tell whether the driver's own disk holds the file."""
        return self.uri.startswith("file:")


@dataclass(frozen=True)
class InputFiles:
    """The files of one input: what Spark is told to read, the format, and each file (their number is small).

    version: of the Delta table whose folder `path` is; None where there is none.
    """

    path: str
    format: Format
    options: dict[str, str]
    files: tuple[InputFile, ...]
    version: int | None = None


def spark_path(path: str) -> str:
    """Escape a local path that exists as it is written, so that brackets and stars in its name are no pattern."""
    if not _is_here(path):
        return path
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", str(Path(path).absolute()))


def _is_here(path: str) -> bool:
    return not _SCHEME.match(path) and Path(path).exists()


def find_files(spark: SparkSession, path: str, wanted: str) -> InputFiles:
    """List the files behind a path; those that lie on a local disk are checked to be what they say.

    wanted: auto, parquet or jsonl. The folder of a Delta table is read at its last version. Raises InputError naming
    the path: nothing there, a folder without data, formats mixed, an empty file, a file that is not what its name says,
    no permission, a Delta table in it or around it; SettingsError for an unknown format.
    """
    if wanted not in {"auto", *_AS_FILE}:
        raise SettingsError(f"format: {wanted!r} is none of auto, {', '.join(_AS_FILE)}")
    check_readable(path)
    place = str(Path(path).absolute()) if _is_here(path) else path
    version = table_version(spark, place)
    if version is not None:
        return _table_files(spark, place, version, wanted)
    check_not_empty(path, tuple(ending for ends in _AS_FILE.values() for ending in ends))
    readable = spark_path(path)
    every = _listed(spark, path, readable)
    single = len(every) == 1 and Path(every[0].path).name == Path(path).name
    plain = any(file.path.endswith(ends) for ends in _IN_FOLDER.values() for file in every)
    endings = _IN_FOLDER if plain and not single else _AS_FILE
    kind = _format(path, every, wanted, endings)
    files = every if single else tuple(file for file in every if file.path.endswith(endings[kind]))
    if not files:
        raise InputError(f"{path}: no {kind} files there (looked for {', '.join(endings[kind])}).")
    for file in files:
        _check_file(file, kind)
    if kind == "parquet":
        check_no_table(spark, path, (file.path for file in files))
    pattern = "*{" + ",".join(endings[kind]) + "}"
    options = {} if single else {"pathGlobFilter": pattern, "recursiveFileLookup": "true"}
    return InputFiles(readable, kind, options, files)


@contextmanager
def damaged_files_named() -> Iterator[None]:
    """Turn Spark's failure to read a file inside the block into an InputError that names the file."""
    try:
        yield
    except Exception as error:  # py4j's own exception or one of Spark's, by where the file was read
        found = _DAMAGED.search(str(error))
        if found is None:
            raise
        told = ABSENT if found.group().startswith(_NOT_THERE) else DAMAGED
        raise InputError(f"{_as_written(found.group(1))}: {told}") from error


def _as_written(uri: str) -> str:
    return re.sub(r"^file:/+", "/", unquote(uri))


def _check_file(file: InputFile, kind: Format) -> None:
    if file.is_local:  # a remote file's head would cost all of it; Spark's own error names it later
        check_content(file.path, kind)


def _table_files(spark: SparkSession, path: str, version: int, wanted: str) -> InputFiles:
    if wanted == "jsonl":
        raise InputError(f"{path}: a Delta table, whose files are parquet. Set `format` of this input to auto.")
    with table_readable(path), damaged_files_named():
        files = _files_of(read_version(spark, path, version).select(*described()).distinct())
    if not files:
        raise InputError(f"{path}: the Delta table has no rows (version {version}).")
    return InputFiles(path, "parquet", {}, files, version)


def _format(path: str, files: tuple[InputFile, ...], wanted: str, endings: dict[Format, tuple[str, ...]]) -> Format:
    found: list[Format] = [
        kind for kind, ends in endings.items() if wanted == kind or any(file.path.endswith(ends) for file in files)
    ]
    if wanted != "auto":
        return next(kind for kind in found if kind == wanted)
    if not found:
        looked = ", ".join(ending for ends in endings.values() for ending in ends)
        raise InputError(
            f"{path}: no data there (looked for {looked}; none empty). Name a file, or set `format` of this input."
        )
    if len(found) > 1:
        raise InputError(f"{path}: both parquet and JSON Lines there; set `format` of this input to one of them.")
    return found[0]


def _listed(spark: SparkSession, path: str, readable: str) -> tuple[InputFile, ...]:
    # binaryFile lists what lies there, and opens no file whose content nobody selects
    source = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        return _files_of(source.load(readable).select(*described()))
    except PySparkException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            told = "there is no such file or folder, and no file that matches such a pattern. Check this input's path."
            raise InputError(f"{path}: {told}") from error
        raise InputError(f"{path}: cannot be read: {first_line(error)}") from error


def described() -> tuple[Column, Column, Column]:
    """What names a file, of a row that Spark read from it: the fields of InputFile."""
    modified = F.unix_micros(F.col("_metadata.file_modification_time"))
    return F.col("_metadata.file_path"), F.col("_metadata.file_size"), modified


def _files_of(listed: DataFrame) -> tuple[InputFile, ...]:
    files = (InputFile(row[0], row[1], row[2]) for row in listed.collect())  # as many as the input has files
    return tuple(sorted(files, key=lambda file: file.uri))


def first_line(error: PySparkException) -> str:
    """What Spark says first, without its plans and traces."""
    return str(error).strip().splitlines()[0]
