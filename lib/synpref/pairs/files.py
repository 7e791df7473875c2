"""Find the files of an input and see that they are what their names say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from synpref.errors import InputError, SettingsError

Format = Literal["parquet", "jsonl"]
# In a folder only these count: a data set's folder also holds cards and info files in .json
_IN_FOLDER: dict[Format, str] = {"parquet": "*.parquet", "jsonl": "*.{jsonl,jsonl.gz,ndjson,ndjson.gz}"}
_ENDINGS: dict[Format, tuple[str, ...]] = {
    "parquet": (".parquet",),
    "jsonl": (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".json", ".json.gz"),
}
_PARQUET_MAGIC, _GZIP_MAGIC = b"PAR1", b"\x1f\x8b"


@dataclass(frozen=True)
class InputFile:
    """One file: where Spark sees it, its bytes, and when it was last changed."""

    path: str
    length: int
    modified: datetime


@dataclass(frozen=True)
class InputFiles:
    """The files of one input: what Spark is told to read, the format, and each file (their number is small)."""

    path: str
    format: Format
    options: dict[str, str]
    files: tuple[InputFile, ...]


def spark_path(path: str) -> str:
    """Escape a local path that exists as it is written, so that brackets and stars in its name are no pattern."""
    local = Path(path)
    if "://" in path or path.startswith("file:"):
        return path
    try:
        exists = local.exists()
    except PermissionError as error:
        raise InputError(f"{path}: no permission to read it. Change its rights, or run as a user who may.") from error
    if not exists:
        return str(local.absolute())
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", str(local.absolute()))


def find_files(spark: SparkSession, path: str, wanted: str) -> InputFiles:
    """List the files behind a file, folder or glob, and check each that lies on a local disk.

    wanted: auto, parquet or jsonl. Raises InputError naming the path: nothing there, a folder without data, formats
    mixed, an empty file, a file that is not what its name says, no permission.
    """
    if wanted not in {"auto", *_ENDINGS}:
        raise SettingsError(f"format: {wanted!r} is none of auto, parquet, jsonl")
    readable = spark_path(path)
    check_readable(path)
    every = _listed(spark, path, readable, "*")
    single = len(every) == 1 and Path(_plain(every[0].path)).name == Path(path).name
    kind = _format(path, every, wanted, single)
    options = {} if single else {"pathGlobFilter": _IN_FOLDER[kind], "recursiveFileLookup": "true"}
    files = every if single else _listed(spark, path, readable, _IN_FOLDER[kind])
    if not files:
        raise InputError(f"{path}: no {kind} files there (looked for {_IN_FOLDER[kind]}).")
    for file in files:
        check_file(file, kind)
    return InputFiles(readable, kind, options, files)


def check_readable(path: str) -> None:
    """Raise InputError where a local file or folder exists and may not be read."""
    try:
        local = Path(path)
        if local.is_file():
            local.open("rb").close()
        elif local.is_dir():
            next(local.iterdir(), None)
    except PermissionError as error:
        raise InputError(f"{path}: no permission to read it. Change its rights, or run as a user who may.") from error


def check_file(file: InputFile, kind: Format) -> None:
    """Raise InputError where a file is empty, or (on a local disk) its first bytes are not those of its format."""
    name = _plain(file.path)
    if file.length == 0:
        raise InputError(f"{name}: the file is empty (0 bytes).")
    if not file.path.startswith("file:"):
        return  # reading a remote file's head would fetch all of it; Spark's own error names it later
    check_readable(name)
    with Path(name).open("rb") as opened:
        head = opened.read(64)
        opened.seek(max(0, file.length - 4))
        tail = opened.read(4)
    wrong = _mismatch(name, head, tail, kind)
    if wrong:
        raise InputError(f"{name}: {wrong}")


def _mismatch(name: str, head: bytes, tail: bytes, kind: Format) -> str | None:
    if kind == "parquet":
        whole = head.startswith(_PARQUET_MAGIC) and tail == _PARQUET_MAGIC
        return None if whole else "not a parquet file (its first or last four bytes are not PAR1; cut off or renamed?)."
    if name.endswith(".gz") != head.startswith(_GZIP_MAGIC):
        told = "is not gzip" if name.endswith(".gz") else "is gzip"
        return f"the name and the content disagree: the content {told}. Give it its right ending."
    if head.startswith(_PARQUET_MAGIC):
        return "a parquet file under another name; set format: parquet or rename it."
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return "a JSON array, not JSON Lines (one object a line); write each element as a line."
    return None


def _format(path: str, files: tuple[InputFile, ...], wanted: str, single: bool) -> Format:
    names = [file.path.lower() for file in files]
    endings: dict[Format, tuple[str, ...]] = dict(_ENDINGS)
    if not single:
        endings["jsonl"] = tuple(ending for ending in endings["jsonl"] if not ending.startswith(".json."))[:4]
    found: list[Format] = [kind for kind, ends in endings.items() if any(name.endswith(ends) for name in names)]
    forced: list[Format] = [kind for kind in endings if kind == wanted]
    if forced:
        return forced[0]
    if len(found) == 1:
        return found[0]
    if not found:
        looked = ", ".join(ending for ends in endings.values() for ending in ends)
        raise InputError(f"{path}: no data there (looked for {looked}). Name a file, or set `format` of this input.")
    raise InputError(f"{path}: both parquet and JSON Lines there; set `format` of this input to one of them.")


def _listed(spark: SparkSession, path: str, readable: str, pattern: str) -> tuple[InputFile, ...]:
    # binaryFile lists any file system that Spark can read, and does not open a file whose content nobody selects
    options = {"pathGlobFilter": pattern, "recursiveFileLookup": "true"}
    try:
        listed = spark.read.format("binaryFile").options(**options).load(readable)
        rows = listed.select("path", "length", "modificationTime").collect()  # as many as the input has files
    except PySparkException as error:
        raise InputError(f"{path}: cannot be read: {_first_line(error)}") from error
    return tuple(sorted((InputFile(row[0], row[1], row[2]) for row in rows), key=lambda file: file.path))


def read_parquet(spark: SparkSession, found: InputFiles) -> DataFrame:
    """Open parquet files; InputError where Spark cannot make sense of them."""
    try:
        return spark.read.options(**found.options).parquet(found.path)
    except PySparkException as error:
        raise InputError(f"{found.path}: not readable as parquet: {_first_line(error)}") from error


def _first_line(error: PySparkException) -> str:
    return str(error).strip().splitlines()[0]


def _plain(path: str) -> str:
    """The path of a `file:` URI as the operating system knows it."""
    return path.removeprefix("file:").replace("///", "/", 1) if path.startswith("file:") else path
