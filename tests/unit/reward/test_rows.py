"""Reading snapshot folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synpref.errors import InputError
from synpref.reward.rows import read_comparisons, read_responses

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]

ROWS = [("p", "x", "y"), ("p", "y", "z"), ("q", "x", "y")]


def test_comparisons_number_their_responses_and_prompts(write_folder: WriteFolder) -> None:
    folder = write_folder("d", ROWS)
    rows = read_comparisons(folder)
    texts = {name: talk for ids, talks in read_responses(folder) for name, talk in zip(ids, talks, strict=True)}
    pairs = {
        (texts[rows.response_ids[a]].messages[0]["content"], texts[rows.response_ids[a]].response,
         texts[rows.response_ids[b]].response)
        for a, b in zip(rows.chosen, rows.rejected, strict=True)
    }  # fmt: skip
    assert pairs == set(ROWS)
    assert len(rows) == 3
    assert len(rows.response_ids) == len(texts) == 5
    assert sorted(rows.prompt.tolist()) in ([0, 0, 1], [0, 1, 1])


def test_the_digest_is_of_the_rows_not_of_files_and_order(write_folder: WriteFolder) -> None:
    one = read_comparisons(write_folder("one", ROWS))
    other = write_folder("other", ROWS[::-1])
    whole = other / "comparisons" / "part-0.parquet"
    table = pq.read_table(whole)
    pq.write_table(table.slice(0, 1), other / "comparisons" / "part-1.parquet")
    pq.write_table(table.slice(1), whole)
    two = read_comparisons(other)
    assert two.digest == one.digest
    assert [two.response_ids[i] for i in two.chosen] == [one.response_ids[i] for i in one.chosen]


def test_a_turned_comparison_is_another_digest(write_folder: WriteFolder) -> None:
    turned = [("p", "y", "x"), *ROWS[1:]]
    assert read_comparisons(write_folder("a", ROWS)).digest != read_comparisons(write_folder("b", turned)).digest


def test_only_keeps_comparisons_with_both_sides(write_folder: WriteFolder) -> None:
    rows = read_comparisons(write_folder("d", ROWS))
    usable = np.ones(5, dtype=bool)
    usable[rows.chosen[0]] = False
    kept = rows.only(usable)
    expected = sum(usable[a] and usable[b] for a, b in zip(rows.chosen, rows.rejected, strict=True))
    assert len(kept) == expected < 3


def test_no_rows_is_an_input_error_naming_the_folder(write_folder: WriteFolder) -> None:
    folder = write_folder("d", ROWS)
    path = folder / "comparisons" / "part-0.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(InputError, match=f"{folder}: no comparisons"):
        read_comparisons(folder)


def test_a_missing_folder_and_a_missing_column_are_named(write_folder: WriteFolder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_comparisons(tmp_path / "nowhere")
    folder = write_folder("d", ROWS)
    path = folder / "comparisons" / "part-0.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["rejected_response_id"]), path)
    with pytest.raises(InputError, match="no column rejected_response_id; found comparison_id"):
        read_comparisons(folder)


def test_a_file_that_is_not_parquet_is_named(write_folder: WriteFolder) -> None:
    folder = write_folder("d", ROWS)
    (folder / "comparisons" / "part-0.parquet").write_text("not parquet")
    with pytest.raises(InputError, match="not readable as parquet"):
        read_comparisons(folder)


def test_a_response_against_itself_and_a_null_id_are_refused(write_folder: WriteFolder) -> None:
    folder = write_folder("d", ROWS)
    path = folder / "comparisons" / "part-0.parquet"
    table = pq.read_table(path)
    same = table.set_column(3, "rejected_response_id", table["chosen_response_id"])
    pq.write_table(same, path)
    with pytest.raises(InputError, match="compares a response with itself"):
        read_comparisons(folder)
    nothing = pa.array([None, "a", "b"], pa.string())
    pq.write_table(table.set_column(3, "rejected_response_id", nothing), path)
    with pytest.raises(InputError, match="1 rows have no rejected_response_id"):
        read_comparisons(folder)


def test_responses_stream_in_bounded_parts(write_folder: WriteFolder) -> None:
    folder = write_folder("d", [("p", f"good {i}", f"bad {i}") for i in range(10)])
    parts = list(read_responses(folder, rows=8))
    assert [len(ids) for ids, _ in parts] == [8, 8, 4]
