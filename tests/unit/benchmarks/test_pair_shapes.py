"""A user's pairs in every shape that ingest takes; tests/spark/pairs/test_readers.py holds both readers together."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from synpref.benchmarks import user_pairs
from synpref.benchmarks.items import distinct_responses
from synpref.benchmarks.measured import measure
from synpref.benchmarks.selection import given
from synpref.errors import InputError
from synpref.pairs.identity import prompt_id
from synpref.pairs.reasons import REASONS
from tests.unit.benchmarks.conftest import Row, WriteRows, perfect


def user(text: str) -> Row:
    return {"role": "user", "content": text}


def bot(text: str | None) -> Row:
    return {"role": "assistant", "content": text}


HH = "\n\nHuman: p\n\nAssistant: "
LABELLED: Row = {"prompt": "p", "response_a": "good", "response_b": "bad", "label": "A>B"}
SHAPES: dict[str, Row] = {
    "text": {"prompt": "p", "chosen": "good", "rejected": "bad"},
    "text of a question": {"question": "p", "chosen": "good", "rejected": "bad"},
    "JSON prompt": {"prompt": json.dumps([user("p")]), "chosen": "good", "rejected": "bad"},
    "ShareGPT prompt": {"prompt": [{"from": "human", "value": "p"}], "chosen": "good", "rejected": "bad"},
    "conversational": {"prompt": [user("p")], "chosen": [bot("good")], "rejected": [bot("bad")]},
    "implicit": {"chosen": [user("p"), bot("good")], "rejected": [user("p"), bot("bad")]},
    "transcript": {"chosen": HH + "good", "rejected": HH + "bad"},
    "labelled": LABELLED,
    "labelled, the second": {**LABELLED, "response_a": "bad", "response_b": "good", "label": 1},
    "labelled, messages": {
        "question": [user("p")], "response_a": [bot("good")], "response_b": [bot("bad")], "winner": "model_a",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ["mine.jsonl", "mine.parquet"])
@pytest.mark.parametrize("row", SHAPES.values(), ids=SHAPES)
def test_every_shape_gives_the_same_pair(write_rows: WriteRows, row: Row, name: str) -> None:
    (item,) = user_pairs.read([write_rows(name, [row])])
    assert item.prompt_id == prompt_id([user("p")])
    assert [(each.name, each.text) for each in item.candidates] == [
        (f"{name}/{int(name == 'mine.jsonl')}/chosen", "good"), (f"{name}/{int(name == 'mine.jsonl')}/rejected", "bad")
    ]  # fmt: skip
    assert (item.truths, item.pairs) == ((1.0, 0.0), ((0, 1),))


def test_files_of_several_shapes_and_a_packed_one_are_read_together(write_rows: WriteRows, tmp_path: Path) -> None:
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(SHAPES["transcript"]).encode()))
    items = user_pairs.read([write_rows("a.jsonl", [SHAPES["implicit"]]), packed])
    assert [item.id for item in items] == ["a.jsonl/1", "packed.jsonl.gz/1"]
    assert len({item.prompt_id for item in items}) == 1


@pytest.mark.parametrize("label", ["tie", None, "none"])
def test_a_tie_and_a_row_without_a_label_need_no_score_and_count_in_no_figure(
    write_rows: WriteRows, label: Any
) -> None:
    rows = [LABELLED, {**LABELLED, "prompt": "q", "label": label}]
    items = user_pairs.read([write_rows("mine.jsonl", rows)])
    assert items[1].needed == ()
    assert len(distinct_responses(items)) == 2
    found = measure(given("user_pairs", items, None, 1), perfect(items[:1]), 1)
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.rows) == (1.0, 1)
    assert found.result.overall == found.accuracy


def test_ties_alone_measure_nothing(write_rows: WriteRows) -> None:
    with pytest.raises(InputError, match=r"mine.jsonl: no row says which response is better"):
        user_pairs.read([write_rows("mine.jsonl", [{**LABELLED, "label": "tie"}])])


@pytest.mark.parametrize(
    ("shape", "wrong", "told"),
    [
        ("implicit", {"rejected": [user("other"), bot("bad")]}, r"different prompts \(prompt_differs\)"),
        ("implicit", {"rejected": [user("p"), bot("good")]}, r"\(identical_responses\)"),
        ("implicit", {"rejected": [user("p")]}, r"\(missing_response\)"),
        ("implicit", {"rejected": "no transcript"}, "'rejected' must be a list of messages {role, content}, not str"),
        ("conversational", {"chosen": [bot("good"), bot("more")]}, r"\(multiple_final_messages\)"),
        ("conversational", {"chosen": [user("good")]}, r"\(final_not_assistant\)"),
        ("conversational", {"chosen": [{"role": "judge", "content": "x"}]}, "unknown role 'judge'"),
        ("conversational", {"prompt": [user("p"), bot("a")]}, r"\(prompt_ends_with_assistant\)"),
        ("conversational", {"prompt": [user(" \u200b")]}, r"\(missing_prompt\)"),
        ("labelled", {"label": "both bad"}, r"column 'label' is 'both bad': .*\(unknown_label\)"),
        ("labelled", {"response_b": "\u00a0"}, r"\(empty_response\)"),
    ],
)
def test_what_ingest_refuses_is_refused_with_file_row_and_reason(
    write_rows: WriteRows, shape: str, wrong: Row, told: str
) -> None:
    row = SHAPES[shape]
    path = write_rows("mine.jsonl", [row, row, row | wrong])
    with pytest.raises(InputError, match=rf"mine\.jsonl: line 3: .*{told}"):
        user_pairs.read([path])
    found = user_pairs.read_usable([path])
    assert [item.id for item in found.items] == ["mine.jsonl/1", "mine.jsonl/2"]
    assert [one.row.place for one in found.refused] == ["line 3"]
    assert found.refused[0].reason in REASONS
    assert json.loads(found.refused[0].original) == row | wrong


@pytest.mark.parametrize(
    ("shape", "wrong", "reason"),
    [
        ("text", {"prompt": None}, "missing_prompt"),
        ("text", {"chosen": None}, "missing_response"),
        ("text", {"rejected": 5}, "unreadable_response"),
        ("JSON prompt", {"prompt": "no list"}, "unreadable_prompt"),
        ("conversational", {"chosen": [{"role": "judge", "content": "x"}]}, "unknown_role"),
        ("conversational", {"chosen": [{"role": "assistant", "content": [{"type": "text"}]}]}, "content_not_text"),
        ("conversational", {"chosen": None}, "missing_response"),
        ("conversational", {"chosen": []}, "missing_response"),
        ("conversational", {"chosen": [bot(None)]}, "missing_response"),
        ("conversational", {"prompt": []}, "missing_prompt"),
    ],
)
def test_a_row_without_something_to_use_has_the_reason_of_ingest(
    write_rows: WriteRows, shape: str, wrong: Row, reason: str
) -> None:
    row = SHAPES[shape]
    (refused,) = user_pairs.read_usable([write_rows("mine.jsonl", [row, row, row | wrong])]).refused
    assert refused.reason == reason


def test_a_line_that_is_no_object_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(f"{json.dumps(LABELLED)}\n{{broken\n[1]\n{json.dumps({**LABELLED, 'prompt': 'q'})}\n")
    found = user_pairs.read_usable([path])
    assert [item.id for item in found.items] == ["mine.jsonl/1", "mine.jsonl/4"]
    assert [(one.reason, one.row.place, one.original) for one in found.refused] == [
        ("unreadable_row", "line 2", "{broken"), ("unreadable_row", "line 3", "[1]")
    ]  # fmt: skip
