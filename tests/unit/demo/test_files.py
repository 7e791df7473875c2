"""The files: same bytes every time, untouched where nothing changes, counts that add up."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synpref.demo.files import PoolFiles, write_pool
from synpref.demo.formats import gzip_bytes, line_bytes, parquet_bytes, written
from synpref.pairs.identity import comparison_id, prompt_id, response_id
from synpref.store.contracts import TABLES

SIZES = {"prompts": 90, "test_prompts": 12}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PoolFiles:
    return write_pool(tmp_path_factory.mktemp("the pool") / "deep" / "down", seed=3, **SIZES)


def rows_of(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return [json.dumps(row) for row in pq.read_table(path).to_pylist()]
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode().splitlines()


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_and_sizes_give_the_same_bytes(files: PoolFiles, tmp_path: Path) -> None:
    write_pool(tmp_path, seed=3, **SIZES)
    assert everything(tmp_path) == everything(files.truth.parent)


def test_another_seed_gives_other_files(files: PoolFiles, tmp_path: Path) -> None:
    write_pool(tmp_path, seed=4, **SIZES)
    same = {name for name, data in everything(tmp_path).items() if data == everything(files.truth.parent)[name]}
    assert same == {"benchmark_prompts.jsonl"}


def test_unchanged_files_are_left_alone_and_changed_ones_are_mended(tmp_path: Path) -> None:
    files = write_pool(tmp_path, seed=1, prompts=14, test_prompts=2)
    for path in tmp_path.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    good = files.truth.read_bytes()
    files.truth.write_bytes(b"spoilt")
    again = write_pool(tmp_path, seed=1, prompts=14, test_prompts=2)
    touched = {path.name for path in tmp_path.iterdir() if path.stat().st_mtime != 1_000_000_000}
    assert touched == {"truth.parquet"}
    assert files.truth.read_bytes() == good
    assert again == files


def test_rows_add_up(files: PoolFiles) -> None:
    repeated = sum(files.planted[kind] for kind in files.planted if kind.startswith(("duplicate", "conflict")))
    wrong = sum(files.planted[kind] for kind in files.planted) - repeated
    wrong -= files.planted["leaked_ngram"] + files.planted["leaked_short"]
    assert files.rows == sum(len(rows_of(file.path)) for file in files.pool)
    assert files.rows == files.comparisons["pool"] + repeated + wrong
    assert len(rows_of(files.test.path)) == files.comparisons["test"] == 36


def test_every_kind_of_trouble_is_planted(files: PoolFiles) -> None:
    assert min(files.planted.values()) > 0
    assert len(files.planted) == 12


def test_truth_fits_its_contract(files: PoolFiles) -> None:
    table = pq.read_table(files.truth)
    contract = TABLES["truth"]
    assert table.column_names == contract.column_names()
    types = {"string": pa.string(), "double": pa.float64()}
    assert [field.type for field in table.schema] == [types[column.type] for column in contract.columns]
    for column in contract.columns:
        values = table[column.name].to_pylist()
        assert column.nullable or None not in values
        assert not column.allowed or set(values) <= set(column.allowed)
    ids = table["comparison_id"].to_pylist()
    assert len(set(ids)) == len(ids) == sum(files.comparisons.values())


def test_the_test_file_prefers_the_true_winner(files: PoolFiles) -> None:
    winners = {row["comparison_id"]: row["winner"] for row in pq.read_table(files.truth).to_pylist()}
    for row in map(json.loads, rows_of(files.test.path)):
        prompt = prompt_id(json.loads(row["prompt"]))
        chosen, rejected = (response_id(prompt, row[side]) for side in ("chosen", "rejected"))
        assert winners[comparison_id(chosen, rejected)] == ("a" if chosen < rejected else "b")


def test_only_truth_and_no_input_tells_family_or_difficulty(files: PoolFiles) -> None:
    for file in (*files.pool, files.test):
        assert not [line for line in rows_of(file.path) if '"difficulty"' in line or '"family"' in line]


def test_no_draft_is_left(files: PoolFiles) -> None:
    assert not list(files.truth.parent.glob("*.draft"))


def test_a_tiny_pool_can_be_written(tmp_path: Path) -> None:
    files = write_pool(tmp_path, seed=1, prompts=3, test_prompts=0)
    assert files.comparisons["test"] == 0
    assert files.comparisons["pool"] >= 9


def test_compressed_bytes_do_not_depend_on_the_time_of_day() -> None:
    packed = gzip_bytes(b"some text")
    assert gzip.decompress(packed) == b"some text"
    assert packed[4:8] == b"\0\0\0\0"


def test_lines_end_with_a_line_feed() -> None:
    assert line_bytes(["é", "b"]) == "é\nb\n".encode()


def test_parquet_keeps_rows(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", parquet_bytes([{"a": "1"}, {"a": None}]))
    assert pq.read_table(path).to_pylist() == [{"a": "1"}, {"a": None}]
