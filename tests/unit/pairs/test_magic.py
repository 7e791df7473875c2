from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synpref.errors import InputError
from synpref.pairs.magic import check_content, check_not_empty, check_readable, mismatch


def parquet_of(columns: dict[str, list[str]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


LINE = b'{"prompt": "x"}\n'
PARQUET = parquet_of({"prompt": ["x"]})
ZIPPED = gzip.compress(LINE, mtime=0)  # the same name of a test in every process


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("x.parquet", PARQUET, "parquet"),
        ("x.jsonl", LINE, "jsonl"),
        ("x.jsonl", b"\xef\xbb\xbf" + LINE, "jsonl"),
        ("x.jsonl.gz", ZIPPED, "jsonl"),
    ],
)
def test_files_that_are_what_they_say_pass(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    check_content(str(tmp_path / name), kind)


@pytest.mark.parametrize(
    ("name", "content", "kind", "told"),
    [
        ("x.parquet", b"", "parquet", "empty"),
        ("x.jsonl", b"", "jsonl", "empty"),
        ("x.parquet", LINE, "parquet", "not a parquet file"),
        ("x.parquet", b"PAR1 cut off", "parquet", "Cut off"),
        ("x.parquet", b"PAR1....PAR1", "parquet", "the file is damaged"),
        ("x.jsonl", b"PAR1....PAR1", "jsonl", "Set format: parquet"),
        ("x.jsonl", ZIPPED, "jsonl", "is gzip"),
        ("x.jsonl.gz", LINE, "jsonl", "is not gzip"),
        ("x.json", b' [{"prompt": "x"}]', "jsonl", "JSON array"),
    ],
)
def test_others_are_named_with_what_is_wrong(tmp_path: Path, name: str, content: bytes, kind: str, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=told) as error:
        check_content(str(path), kind)
    assert str(path) in str(error.value)


def test_a_parquet_file_cut_off_inside_is_told_by_its_tail() -> None:
    assert mismatch("x", b"PAR1....", b"....", "parquet") is not None
    assert mismatch("x", b"PAR1....", b"PAR1", "parquet") is None


def test_an_empty_file_is_named_alone_or_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "notes.txt").touch()
    check_not_empty(str(tmp_path), (".jsonl",))
    (tmp_path / "deep" / "x.jsonl").touch()
    for path in (tmp_path, tmp_path / "deep" / "x.jsonl"):
        with pytest.raises(InputError, match=r"x\.jsonl: the file is empty"):
            check_not_empty(str(path), (".jsonl",))
    check_not_empty(str(tmp_path / "absent"), (".jsonl",))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything: step down to a user who may not."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("folder", [False, True])
def test_no_permission_is_told_with_the_path(tmp_path: Path, folder: bool) -> None:
    path = tmp_path / "closed"
    path.mkdir() if folder else path.write_bytes(LINE)
    path.chmod(0o000)
    try:
        with as_nobody(), pytest.raises(InputError, match="no permission") as error:
            check_readable(str(path))
    finally:
        path.chmod(0o700)
    assert str(path) in str(error.value)
