from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synpref.errors import InputError
from synpref.stage1.hand_off import Answer, read_answers
from synpref.stage1.human_labels import batch_of
from synpref.store.contracts.opinions import HUMAN_LABELS

GOOD = {"comparison_id": "c1", "shown": "ab", "annotator": "ann", "verdict": "a"}


def lines(folder: Path, *rows: Any) -> Path:
    path = folder / "my answers.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_a_verdict_is_turned_back_to_the_order_of_the_table(tmp_path: Path) -> None:
    verdicts = ("a", "b", "no_preference", "cannot_decide")
    rows = [
        {**GOOD, "comparison_id": f"{shown}-{verdict}", "shown": shown, "verdict": verdict}
        for shown in ("ab", "ba")
        for verdict in verdicts
    ]
    sides = [answer.side for answer in read_answers(lines(tmp_path, *rows)).values()]
    assert sides == [*verdicts, "b", "a", "no_preference", "cannot_decide"]


def test_an_answer_is_a_row_of_human_labels(tmp_path: Path) -> None:
    exported = {"batch": "1-iteration", "messages": [{"role": "user", "content": "p"}], "text_a": "x", "text_b": "y"}
    told = {"confidence": 1, "attributes": {"b": 1, "a": "ü"}, "tools": ["search"], "seconds": 2.5}
    (answer,) = read_answers(lines(tmp_path, "", {**GOOD, **exported, **told, "annotator": " ann "})).values()
    assert dict(zip([column.name for column in HUMAN_LABELS.columns], answer.row, strict=True)) == {
        "comparison_id": "c1", "annotator": "ann", "batch": "1-iteration", "verdict": "a", "label_origin": "human",
        "confidence": 1.0, "attributes": '{"a": "ü", "b": 1}', "tools": ["search"], "seconds": 2.5,
    }  # fmt: skip


def test_the_verdicts_are_the_contract_s() -> None:
    (allowed,) = (column.allowed for column in HUMAN_LABELS.columns if column.name == "verdict")
    assert Answer.model_json_schema()["properties"]["verdict"]["enum"] == list(allowed)


def test_batches_sort_in_the_order_of_their_iterations() -> None:
    assert batch_of(0) < batch_of(1) < batch_of(2)


def test_a_line_that_stands_twice_counts_once(tmp_path: Path) -> None:
    answers = read_answers(lines(tmp_path, GOOD, {**GOOD, "comparison_id": "c2"}, GOOD))
    assert [answer.comparison_id for answer in answers.values()] == ["c1", "c2"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('{"comparison_id": "c', "no JSON; each line is one answer"),
        ("[1]", "no JSON object"),
        (
            {**GOOD, "verdict": "c"},
            r"verdict: Input should be 'a', 'b', 'no_pref.* or 'cannot_decide' \(got 'c'\)",
        ),
        ({**GOOD, "verdict": None}, r"verdict: .* \(got None\)"),
        ({**GOOD, "annotator": "  "}, "annotator: is empty; name who answered"),
        ({**GOOD, "annotator": "source:x"}, "names that begin with simulated: or source: are not people's"),
        ({key: value for key, value in GOOD.items() if key != "shown"}, "shown is missing"),
        ({key: value for key, value in GOOD.items() if key != "comparison_id"}, "comparison_id is missing"),
        ({**GOOD, "confidnce": 1}, "there is no field confidnce; known: comparison_id, shown"),
        ({**GOOD, "confidence": 1.5}, "confidence: Input should be less than or equal to 1"),
        ('{"comparison_id": "c9", "shown": "ab", "annotator": "x", "verdict": "a", "seconds": NaN}', "seconds"),
        ({**GOOD, "batch": "my batch"}, "batch: String should match"),
        (
            {**GOOD, "verdict": "b"},
            r"ann answered c1 otherwise in batch 0-seed \(line 1\); a correction is",
        ),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, row: Any, told: str) -> None:
    path = lines(tmp_path, GOOD, row)
    with pytest.raises(InputError, match=told) as error:
        read_answers(path)
    assert str(error.value).startswith(f"{path}, line 2: ")
    assert "\n" not in str(error.value)


def test_a_file_without_answers_or_without_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"my answers\.jsonl: no answers there"):
        read_answers(lines(tmp_path, "", "  "))
    with pytest.raises(InputError, match=r"nowhere\.jsonl: cannot be read as a text file"):
        read_answers(tmp_path / "nowhere.jsonl")
    (tmp_path / "x.parquet").write_bytes(b"PAR1\xff\xfe")
    with pytest.raises(InputError, match=r"x\.parquet: cannot be read as a text file"):
        read_answers(tmp_path / "x.parquet")
