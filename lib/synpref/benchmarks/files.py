"""Rows of benchmark files: parquet, JSON Lines, or one JSON array a file, plain or gz; each row knows its place."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synpref.benchmarks.rows import BadRowError, Row
from synpref.errors import InputError
from synpref.pairs.magic import DAMAGED, check_content, check_readable

LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_DATA = (".parquet", *LINES)
_JSON = (".json", ".json.gz")
_LOG = "_delta_log"
UNREADABLE = "unreadable_row"  # code of pairs.reasons


def read_rows(paths: Iterable[str | Path], bad: list[BadRowError] | None = None) -> Iterator[Row]:
    """Rows of files, and of the files of folders in the order of their names. At least one row.

    A folder's .json files count only where it holds no parquet and no JSON Lines: data sets ship info files as .json.
    bad: takes lines and rows that are no object, and none of them is an error. Raises InputError naming the file:
    nothing there, a Delta table, an unknown ending, damaged, not of its format, a
    row that is no object, no rows at all.
    """
    named = [Path(path) for path in paths]
    if not named:
        raise InputError("no benchmark file was named")
    found = False
    for path in named:
        for file in _files(path):
            for row in _rows(file):
                if isinstance(row, Row):
                    found = True
                    yield row
                elif bad is None:
                    raise row
                else:
                    bad.append(row)
    if not found and not bad:
        raise InputError(f"{', '.join(map(str, named))}: no rows")


def _files(path: Path) -> list[Path]:
    check_readable(str(path))
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: there is no such file or folder")
    log = next(path.rglob(_LOG), None)
    if log is not None:
        raise InputError(
            f"{log.parent}: a Delta table, whose folder also holds rows that it has replaced; name a table of pairs in "
            "evaluate.table, or write its rows to files"
        )
    every = sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
    found = [file for file in every if file.name.endswith(_DATA)] or [
        file for file in every if file.name.endswith(_JSON)
    ]
    if not found:
        raise InputError(f"{path}: no data there (looked for {', '.join((*_DATA, *_JSON))})")
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _rows(path: Path) -> Iterator[Row | BadRowError]:
    if path.suffix == ".parquet":
        return _parquet_rows(path)
    if path.name.endswith(LINES):
        check_content(str(path), "jsonl")
        return _line_rows(path, _text(path))
    if path.name.endswith(_JSON):
        text = _text(path)
        return _array_rows(path, text) if text.lstrip().startswith("[") else _line_rows(path, text)
    raise InputError(f"{path}: a benchmark file ends in {', '.join((*_DATA, *_JSON))}")


def _parquet_rows(path: Path) -> Iterator[Row]:
    check_content(str(path), "parquet")
    try:
        values = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {DAMAGED}") from error
    return (Row(path, f"row {number}", row) for number, row in enumerate(values))


def _line_rows(path: Path, text: str) -> Iterator[Row | BadRowError]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"line {number}"
            value = _parsed(path, where, line)
            yield value if isinstance(value, BadRowError) else _object(path, where, value)


def _array_rows(path: Path, text: str) -> Iterator[Row | BadRowError]:
    values = _parsed(path, "the array", text)
    if isinstance(values, BadRowError):
        raise values
    for number, value in enumerate(values if isinstance(values, list) else [values]):
        yield _object(path, f"row {number}", value)


def _text(path: Path) -> str:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as text:
            return text.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: {DAMAGED}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start})") from error


def _parsed(path: Path, where: str, text: str) -> object:
    """The value, or what is wrong with the text."""
    try:
        value: object = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        return BadRowError(Row(path, where, {}), f"not JSON ({error})", UNREADABLE, text)
    return value


def _object(path: Path, where: str, value: object) -> Row | BadRowError:
    if isinstance(value, dict):
        return Row(path, where, value)
    return BadRowError(
        Row(path, where, {}), f"not a JSON object but {type(value).__name__}", UNREADABLE, json.dumps(value)
    )
