"""Recorded verdicts: what is read, what is missing, and files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synpref.engines.cards import replay_judge_card
from synpref.engines.replay import Key, Recorded, Replay
from synpref.errors import InputError

ROWS: list[dict[str, Any]] = [
    {"comparison_id": "c1", "order": "ab", "sample": 0, "verdict": "a", "p_a": 0.75, "raw": "1", "more": [1]},
    {"comparison_id": "c1", "order": "ba", "sample": 0, "verdict": "no_preference", "p_a": None, "raw": None},
]


def lines(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_json_lines_and_parquet_of_the_same_rows_answer_alike(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "r.parquet")
    keys = [Key("c1", "ba", 0), Key("c1", "ab", 0), Key("c1", "ab", 1), Key("c2", "ab", 0)]
    for path in (str(tmp_path / "r.parquet"), lines(tmp_path / "r.jsonl", ROWS)):
        assert Replay.load(path).recorded(keys) == [
            Recorded("no_preference", None, ""),
            Recorded("a", 0.75, "1"),
            None,
            None,
        ]


def test_probability_and_words_may_be_left_out(tmp_path: Path) -> None:
    bare = [{name: row[name] for name in ("comparison_id", "order", "sample", "verdict")} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(bare), tmp_path / "r.parquet")
    for path in (str(tmp_path / "r.parquet"), lines(tmp_path / "r.jsonl", bare)):
        assert Replay.load(path).recorded([Key("c1", "ab", 0)]) == [Recorded("a", None, "")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "A"}, "record 2: verdict is 'A'; give one of a, b, no_preference, unparsed"),
        ({"order": "first"}, "record 2: order is 'first'"),
        ({"sample": None}, "record 2: sample is missing"),
        ({"p_a": 1.5}, "record 2: p_a is 1.5"),
        ({"order": "ab"}, "record 2: this request is answered twice"),
    ],
)
def test_a_wrong_record_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = lines(tmp_path / "r.jsonl", [ROWS[0], {**ROWS[1], **change}])
    with pytest.raises(InputError, match=message) as told:
        Replay.load(path)
    assert path in str(told.value)


def test_a_file_that_holds_no_records_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Replay.load(str(tmp_path / "none.jsonl"))
    (tmp_path / "half.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="cannot be read"):
        Replay.load(str(tmp_path / "half.parquet"))
    (tmp_path / "garbage.jsonl").write_text("verdicts\n")
    with pytest.raises(InputError, match="cannot be read"):
        Replay.load(str(tmp_path / "garbage.jsonl"))
    pq.write_table(pa.table({"comparison_id": ["c"], "order": ["ab"], "sample": [0]}), tmp_path / "less.parquet")
    with pytest.raises(InputError, match=r"lack the columns \['verdict'\]"):
        Replay.load(str(tmp_path / "less.parquet"))
    pq.write_table(pa.table({name: ["x"] for name in ROWS[0]}), tmp_path / "words.parquet")
    with pytest.raises(InputError, match="column of a wrong type"):
        Replay.load(str(tmp_path / "words.parquet"))


def test_its_identity_is_the_content_of_the_file(tmp_path: Path) -> None:
    card = replay_judge_card("one", lines(tmp_path / "r.jsonl", ROWS))
    assert replay_judge_card("other", lines(tmp_path / "copy.jsonl", ROWS)).engine_id == card.engine_id
    assert replay_judge_card("one", lines(tmp_path / "r.jsonl", ROWS[:1])).engine_id != card.engine_id
    with pytest.raises(InputError, match="cannot be read"):
        replay_judge_card("one", str(tmp_path / "none.jsonl"))
