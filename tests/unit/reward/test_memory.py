"""What a comparison costs in memory, whatever its text."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synpref.errors import InputError
from synpref.pairs.identity import hash128
from synpref.reward import graph
from synpref.reward.graph import Limits
from synpref.reward.ids import Ids, contains, hexadecimal, keys_of, number, pack
from synpref.reward.rows import COMPARISON_COLUMNS, Comparisons, read_comparisons
from synpref.reward.steps import steps


def write_comparisons(folder: Path, count: int) -> Path:
    """Comparisons of two responses each, with random ids, a file per 100,000."""
    (folder / "comparisons").mkdir(parents=True)
    random = np.random.default_rng(count)
    for part, start in enumerate(range(0, count, 100_000)):
        rows = min(100_000, count - start)
        columns = [
            pa.array([row.tobytes().decode() for row in hexadecimal(keys(random, rows))]) for _ in COMPARISON_COLUMNS
        ]
        table = pa.table(columns, names=COMPARISON_COLUMNS)
        pq.write_table(table, folder / "comparisons" / f"part-{part}.parquet")
    return folder


def keys(random: np.random.Generator, count: int) -> np.ndarray:
    return np.frombuffer(random.bytes(16 * count), dtype="S16")


def traced(folder: Path) -> tuple[int, int, Comparisons]:
    """Bytes that stay and the peak while comparisons are read."""
    tracemalloc.start()
    try:
        found = read_comparisons(folder)
        stays, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return stays, peak, found


def test_ids_and_numbers_of_comparisons_stay_on_disk(tmp_path: Path) -> None:
    """Of 200,000 more comparisons nothing stays in memory; reading them takes a bucket at a time."""
    few, _, _ = traced(write_comparisons(tmp_path / "few", 10_000))
    many, many_peak, found = traced(write_comparisons(tmp_path / "many", 210_000))
    assert len(found) == 210_000
    assert (many - few) / 200_000 < 1
    assert many_peak < 60e6
    assert traced(write_comparisons(tmp_path / "twice as many", 420_000))[1] < 1.1 * many_peak
    again, again_peak, _ = traced(tmp_path / "many")
    assert max(again, again_peak) / 210_000 < 1


def peak_of_steps(count: int, folder: Path) -> int:
    """Bytes at most while the first steps are made of comparisons that share nothing, read from a folder."""
    rows = read_comparisons(write_comparisons(folder / str(count), count))
    limits = Limits(64, 16_384, np.full(2 * count, 50, dtype=np.int64))
    tracemalloc.start()
    try:
        found = steps(rows, limits, 0, 256)
        assert [next(found).comparisons for _ in range(3)] == [256] * 3
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_steps_are_made_in_memory_that_levels_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window of blocks and a part of the prompts are held, however many comparisons there are beyond them."""
    monkeypatch.setattr(graph, "SHUFFLED_AT_ONCE", 20_000)
    assert peak_of_steps(240_000, tmp_path) < 1.1 * peak_of_steps(60_000, tmp_path)


def test_ids_come_back_as_they_were() -> None:
    names = [hash128("a", str(index)) for index in range(300)] + ["0" * 32, "f" * 30 + "00"]
    ids = Ids(pack(pa.array(names), "here"))
    assert list(ids) == names
    assert list(ids[10:13]) == names[10:13]
    assert len(ids) == 302
    assert keys_of(names).tolist() == keys_of(ids).tolist()
    assert [row.tobytes().decode() for row in hexadecimal(ids.keys)] == names


def test_a_slice_of_a_column_is_packed_where_it_begins() -> None:
    names = [hash128("a", str(index)) for index in range(9)]
    assert list(Ids(pack(pa.array(names).slice(3, 4), "here"))) == names[3:7]
    assert len(pack(pa.array([], pa.string()), "here")) == 0


@pytest.mark.parametrize("wrong", ["abc", "F" * 32, "g" * 32, "", "é" * 16])
def test_what_is_no_id_is_named(wrong: str) -> None:
    with pytest.raises(InputError, match=r"here: .* is no id of 32 hexadecimal digits"):
        pack(pa.array([hash128("a"), wrong]), "here")


def test_keys_are_numbered_as_they_come() -> None:
    codes, distinct = number(keys_of(["b", "a", "b", "c", "a"]))
    assert codes.tolist() == [0, 1, 0, 2, 1]
    assert distinct.tolist() == keys_of(["b", "a", "c"]).tolist()


def test_membership_in_sorted_keys() -> None:
    held = np.sort(keys_of(["a", "b", "c"]))
    assert contains(held, keys_of(["b", "x", "a"])).tolist() == [True, False, True]
    assert contains(held[:0], keys_of(["b"])).tolist() == [False]
