"""Benchmark files as rows: formats, folders, and what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from synpref.benchmarks.files import read_rows
from synpref.errors import InputError
from tests.unit.benchmarks.conftest import WriteRows

ROWS = [{"id": "1", "text": "ä"}, {"id": "2", "text": "b"}]


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.ndjson", "a.json"])
def test_every_format_gives_the_same_rows(write_rows: WriteRows, name: str) -> None:
    assert [row.values for row in read_rows([write_rows(name, ROWS)])] == ROWS


def test_a_json_file_may_hold_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    assert [row.place for row in read_rows([path])] == ["line 1", "line 2"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_a_packed_file_gives_the_rows_of_the_plain_one(write_rows: WriteRows, name: str) -> None:
    plain = write_rows(name, ROWS)
    packed = plain.with_name(f"{name}.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert [(row.place, row.values) for row in read_rows([packed])] == [
        (row.place, row.values) for row in read_rows([plain])
    ]


def test_a_line_separator_inside_a_text_does_not_end_a_line(write_rows: WriteRows, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "one\u2028two"}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [row.values["text"] for row in read_rows([path])] == ["one\u2028two"]


def test_a_folder_is_read_in_the_order_of_its_names(write_rows: WriteRows, tmp_path: Path) -> None:
    for name in ("set/b/2.jsonl", "set/a/1.parquet", "set/.hidden.jsonl", "set/_temporary/3.jsonl"):
        write_rows(name, ROWS)
    write_rows("set/info.json", [{"about": "no data"}])
    assert [row.path.name for row in read_rows([tmp_path / "set"])] == ["1.parquet"] * 2 + ["2.jsonl"] * 2


@pytest.mark.parametrize("place", ["set", "set/warehouse/curated"])
def test_a_delta_table_is_no_folder_of_files(write_rows: WriteRows, tmp_path: Path, place: str) -> None:
    write_rows(f"{place}/part-0.parquet", ROWS)
    write_rows(f"{place}/_delta_log/0.checkpoint.parquet", ROWS)
    with pytest.raises(InputError, match=r"a Delta table.* name a table of pairs in evaluate\.table") as refused:
        list(read_rows([tmp_path / "set"]))
    assert str(refused.value).startswith(str(tmp_path / place))


def test_a_folder_of_json_alone_is_data(write_rows: WriteRows, tmp_path: Path) -> None:
    write_rows("set/Natural/dataset.json", ROWS)
    assert len(list(read_rows([tmp_path / "set"]))) == 2


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", b'{"id": 1}\n{"id"', "line 2: not JSON"),
        ("a.jsonl", b'{"id": 1}\n[2]\n', "line 2: not a JSON object but list"),
        ("a.jsonl", b"", "empty"),
        ("a.json", b"[1]", "row 0: not a JSON object but int"),
        ("a.json", b'[{"id": 1},', "not JSON"),
        ("a.json", b"[]", "no rows"),
        ("a.jsonl", b'{"id": "\xff"}\n', "not UTF-8"),
        ("a.jsonl.gz", gzip.compress(b'{"id": 1}', mtime=0)[:-3], "damaged"),
        ("a.json.gz", b'[{"id": 1}]', "damaged"),
        ("a.parquet", b"PAR1nothing", "not a parquet file"),
        ("a.parquet", b"PAR1" + b"\0" * 16 + b"PAR1", "damaged"),
        ("a.txt", b"{}", "ends in"),
    ],
)
def test_what_is_not_of_its_format_is_refused(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=told) as refused:
        list(read_rows([path]))
    assert str(path) in str(refused.value)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        list(read_rows([tmp_path / "none.jsonl"]))
    with pytest.raises(InputError, match="no data there"):
        list(read_rows([tmp_path]))
    with pytest.raises(InputError, match="no benchmark file was named"):
        list(read_rows([]))
