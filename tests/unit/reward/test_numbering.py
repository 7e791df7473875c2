"""Comparisons numbered on disk: what sorting and counting them all in memory would give."""

from __future__ import annotations

import dataclasses
import errno
import json
import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.errors import InputError
from synpref.pairs.identity import hash128
from synpref.reward import buckets
from synpref.reward.buckets import Buckets, buckets_for, by_range
from synpref.reward.numbering import ARRAYS, FACTS
from synpref.reward.rows import COMPARISON_COLUMNS, NUMBERED, read_comparisons

Row = tuple[str, str, str, str]


def write(folder: Path, rows: list[Row]) -> Path:
    (folder / "comparisons").mkdir(parents=True, exist_ok=True)
    columns = [pa.array(column) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table(columns, names=COMPARISON_COLUMNS), folder / "comparisons" / "part-0.parquet")
    return folder


def some_rows(count: int, seed: int) -> list[Row]:
    """Comparisons of some prompts and of responses that come again, in any order."""
    random = np.random.default_rng(seed)
    rows = []
    for row in range(count):
        chosen, rejected = random.choice(count // 2 + 2, size=2, replace=False)
        prompt = random.integers(count // 5 + 1)
        rows.append((hash128("c", str(row)), hash128("p", str(prompt)), hash128(str(chosen)), hash128(str(rejected))))
    return rows


@pytest.mark.parametrize("size", [10, 100_000])
def test_numbers_are_given_as_responses_and_prompts_first_come(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BUCKET", size)
    rows = some_rows(300, 1)
    found = read_comparisons(write(tmp_path, rows))
    ordered = sorted(rows)
    names = list(dict.fromkeys([row[2] for row in ordered] + [row[3] for row in ordered]))
    prompts = list(dict.fromkeys(row[1] for row in ordered))
    assert list(found.response_ids) == names
    assert found.chosen.tolist() == [names.index(row[2]) for row in ordered]
    assert found.rejected.tolist() == [names.index(row[3]) for row in ordered]
    assert found.prompt.tolist() == [prompts.index(row[1]) for row in ordered]
    in_memory = dataclasses.replace(found, groups=None).grouped()
    assert [part.tolist() for part in found.grouped()] == [part.tolist() for part in in_memory]


def test_what_was_numbered_once_is_opened_the_next_time_and_written_anew_for_other_files(tmp_path: Path) -> None:
    rows = some_rows(40, 2)
    first = read_comparisons(write(tmp_path, rows))
    (held,) = (tmp_path / NUMBERED).iterdir()
    assert {path.name for path in held.iterdir()} == {*(f"{name}.bin" for name in ARRAYS), FACTS}
    facts = json.loads((held / FACTS).read_text(encoding="utf-8"))
    (held / FACTS).write_text(json.dumps(facts | {"digest": "as it stands there"}), encoding="utf-8")
    assert read_comparisons(tmp_path).digest == "as it stands there"
    assert read_comparisons(write(tmp_path, rows[:-1])).digest not in (first.digest, "as it stands there")


def test_where_nothing_can_be_written_they_are_numbered_all_the_same(tmp_path: Path) -> None:
    rows = some_rows(40, 3)
    (tmp_path / NUMBERED).write_text("no folder")
    found = read_comparisons(write(tmp_path, rows))
    assert len(found) == 40
    assert len(set(found.response_ids)) == int(found.rejected.max()) + 1


def test_an_error_leaves_nothing_half(tmp_path: Path) -> None:
    (name, prompt, chosen, _), *others = some_rows(40, 4)
    with pytest.raises(InputError, match=f"{name} compares a response with itself; 1 rows do"):
        read_comparisons(write(tmp_path, [(name, prompt, chosen, chosen), *others]))
    assert list((tmp_path / NUMBERED).iterdir()) == []


def test_no_space_left_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Buckets, "put", full)
    with pytest.raises(InputError, match=r"comparisons: could not be numbered in .*No space left"):
        read_comparisons(write(tmp_path, some_rows(40, 5)))


def test_no_space_for_any_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = write(tmp_path, some_rows(40, 5))
    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(InputError, match=r"comparisons: could not be numbered in .*\.numbered .*No space left"):
        read_comparisons(folder)


@given(st.lists(st.integers(0, 99), max_size=60), st.integers(1, 9))
def test_buckets_give_back_every_record_in_its_bucket_and_order(
    tmp_path_factory: pytest.TempPathFactory, values: list[int], count: int
) -> None:
    kept = Buckets(tmp_path_factory.mktemp("b"), "x", np.dtype([("value", np.int64)]), count)
    column = np.array(values, dtype=np.int64)
    kept.put(by_range(column, 100, count), {"value": column})
    found = [part["value"].tolist() for part in kept]
    assert found == [[value for value in values if value * count // 100 == bucket] for bucket in range(count)]


def test_many_comparisons_are_numbered_with_few_files_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the most buckets there are, of a process that may have 300 files more than it has."""
    rows = write(tmp_path, some_rows(300, 6))
    monkeypatch.setattr(buckets, "BUCKET", 1)
    assert buckets_for(300) == buckets.MOST
    held = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (held + 300, hard))
    try:
        assert len(read_comparisons(rows)) == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_many_open_files_are_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def many(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Buckets, "put", many)
    with pytest.raises(InputError, match=r"Too many open files\); raise the limit of open files \(ulimit -n\)"):
        read_comparisons(write(tmp_path, some_rows(40, 5)))


def test_buckets_are_as_many_as_memory_and_open_files_allow() -> None:
    assert [buckets_for(rows) for rows in (0, 1, buckets.BUCKET + 1, 10**12)] == [1, 1, 2, buckets.MOST]
