"""The place of a refused row, as a person finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from synpref.flow import refused_rows
from synpref.flow.refused_rows import place_of
from synpref.pairs.identity import hash128


def test_a_line_is_found_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes('\ufeff{"a": 1}\r\n\n{"b": "\u00e4\u2028"}\n{"c": 3}'.encode())
    for line, number in (('{"a": 1}', 1), ('{"b": "\u00e4\u2028"}', 3), ('{"c": 3}', 4)):
        assert place_of(str(path), f"{hash128(line)}-0") == f"line {number} of {path}"


def test_a_row_of_parquet_has_an_index() -> None:
    assert place_of("pairs.parquet", "7") == "row index 7 of pairs.parquet"


def test_a_line_that_cannot_be_found_is_named_by_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"{hash128('x')}-2"
    assert place_of("s3://bucket/pairs.jsonl", key) == f"row {key} of s3://bucket/pairs.jsonl"
    path = tmp_path / "pairs.jsonl"
    path.write_text("a\nx\n")
    assert place_of(str(path), key) == f"line 2 of {path}"
    monkeypatch.setattr(refused_rows, "MOST_LINES", 1)
    assert place_of(str(path), key) == f"row {key} of {path}"


def test_a_row_of_a_table_is_named_by_its_key_and_no_line_is_looked_for(tmp_path: Path) -> None:
    path, key = tmp_path / "part-0.parquet", f"{hash128('x')}-0"
    path.write_text("x\n")
    assert place_of(str(path), key) == f"row {key} of {path}"
