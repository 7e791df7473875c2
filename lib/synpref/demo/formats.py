"""Rows as bytes that are the same every time, and files that are rewritten only where they change."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def parquet_bytes(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as a parquet file; columns and their types as in the rows."""
    return table_bytes(pa.Table.from_pylist([dict(row) for row in rows]))


def table_bytes(table: pa.Table) -> bytes:
    """An Arrow table as a parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def line_bytes(lines: Iterable[str]) -> bytes:
    """Lines as UTF-8, each ended by a line feed."""
    return "".join(f"{line}\n" for line in lines).encode()


def gzip_bytes(data: bytes) -> bytes:
    """Compress, without the time of day that gzip files usually carry."""
    sink = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0) as file:
        file.write(data)
    return sink.getvalue()


def written(path: Path, data: bytes) -> Path:
    """Write the bytes whole or not at all, and not where they stand there already; give the path back."""
    if not (path.is_file() and path.read_bytes() == data):
        draft = path.with_name(path.name + ".draft")
        draft.write_bytes(data)
        draft.replace(path)
    return path
