from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synpref.benchmarks.pair_shapes import reader
from synpref.benchmarks.rows import BadRowError, Row

Parse = Callable[..., tuple[str, list[dict[str, Any]]]]


def user(text: str | None) -> dict[str, Any]:
    return {"role": "user", "content": text}


def bot(text: str | None) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def summary(row: dict[str, Any]) -> Any:
    """The reason, or else the row as (contents of the prompt, first, second)."""
    return row["reason"] or ([m["content"] for m in row["messages"]], row["first_text"], row["second_text"])


def check(parse: Parse, shape: str, cases: list[tuple[dict[str, Any], Any]]) -> None:
    found, rows = parse([row for row, _ in cases])
    assert found == shape
    for (given, expected), row in zip(cases, rows, strict=True):
        assert summary(row) == expected, given
    if shape != "text":  # whose rows a benchmark reads whatever the structure check says
        assert without_spark([given for given, _ in cases]) == [expected for _, expected in cases]


def without_spark(given: list[dict[str, Any]]) -> list[Any]:
    """The same of what a benchmark of a user's pairs makes of the rows, or why it refuses one."""
    rows = [Row(Path("rows.jsonl"), f"line {number}", row) for number, row in enumerate(given, start=1)]
    read, found = reader(rows), list[Any]()
    for row in rows:
        try:
            pair = read(row)
        except BadRowError as error:
            found.append(error.reason)
        else:
            found.append(([message["content"] for message in pair.messages], *pair.texts))
    return found


def test_text_shape_and_the_structure_check(parse: Parse) -> None:
    row = {"prompt": "p", "chosen": "c", "rejected": "r"}
    check(
        parse,
        "text",
        [
            (row, (["p"], "c", "r")),
            ({**row, "chosen": " c\n"}, (["p"], " c\n", "r")),
            ({**row, "chosen": None}, "missing_response"),
            ({"prompt": "p", "chosen": "c"}, "missing_response"),
            ({**row, "rejected": ""}, "empty_response"),
            ({**row, "rejected": " \t\n\u00a0\u200b"}, "empty_response"),
            ({**row, "rejected": "\U0001fae8"}, (["p"], "c", "\U0001fae8")),
            ({**row, "rejected": "c"}, "identical_responses"),
            ({**row, "rejected": "c "}, (["p"], "c", "c ")),
            ({**row, "prompt": None}, "missing_prompt"),
            ({**row, "prompt": "  "}, "missing_prompt"),
            ({"chosen": "c", "rejected": "r"}, "missing_prompt"),
        ],
    )


def test_a_text_prompt_is_one_user_turn_and_the_first_response_is_chosen(parse: Parse) -> None:
    _, (row,) = parse([{"prompt": "[1] {x}", "chosen": "c", "rejected": "r", "lang": "en", "n": 2, "deep": {"a": [1]}}])
    assert row["messages"] == [user("[1] {x}")]
    assert row["preference"] == "first"
    assert json.loads(row["extra"]) == {"lang": "en", "n": 2, "deep": {"a": [1]}}


def test_json_prompt_shape(parse: Parse) -> None:
    row = {"prompt": json.dumps([{"role": "system", "content": "s"}, user("u")]), "chosen": "c", "rejected": "r"}
    parts = [{"role": "user", "content": [{"type": "text", "text": "look"}]}]
    check(
        parse,
        "json_prompt",
        [
            (row, (["s", "u"], "c", "r")),
            ({**row, "prompt": [user("u")]}, (["u"], "c", "r")),
            ({**row, "prompt": json.dumps([{"from": "human", "value": "h"}])}, (["h"], "c", "r")),
            ({**row, "prompt": '[{"role": "user", "content": "cut'}, "unreadable_prompt"),
            ({**row, "prompt": "no list"}, "unreadable_prompt"),
            ({**row, "prompt": json.dumps([user(None)])}, "unreadable_prompt"),
            ({**row, "prompt": json.dumps([{"role": "narrator", "content": "u"}])}, "unknown_role"),
            ({**row, "prompt": json.dumps(parts)}, "content_not_text"),
            ({**row, "prompt": "[]"}, "missing_prompt"),
            ({**row, "prompt": None}, "missing_prompt"),
            ({**row, "prompt": json.dumps([user("u"), bot("a")])}, "prompt_ends_with_assistant"),
            ({**row, "chosen": "r"}, "identical_responses"),
        ],
    )


def test_conversational_shape(parse: Parse) -> None:
    row = {"prompt": [user("u")], "chosen": [bot("c")], "rejected": [bot("r")]}
    check(
        parse,
        "conversational",
        [
            (row, (["u"], "c", "r")),
            ({**row, "chosen": [{"role": "gpt", "content": "c"}]}, (["u"], "c", "r")),
            ({**row, "chosen": [bot("c"), bot("d")]}, "multiple_final_messages"),
            ({**row, "rejected": [bot("r"), user("?"), bot("s")]}, "multiple_final_messages"),
            ({**row, "chosen": [user("c")]}, "final_not_assistant"),
            ({**row, "chosen": []}, "missing_response"),
            ({**row, "chosen": None}, "missing_response"),
            ({**row, "chosen": [bot(None)]}, "missing_response"),
            ({**row, "chosen": [bot(" ")]}, "empty_response"),
            ({**row, "chosen": "text"}, "unreadable_response"),
            ({**row, "chosen": [{"role": "narrator", "content": "c"}]}, "unknown_role"),
            ({**row, "prompt": None}, "missing_prompt"),
            ({**row, "prompt": "text"}, "unreadable_prompt"),
        ],
    )


def test_implicit_shape_splits_at_the_longest_shared_prefix(parse: Parse) -> None:
    start = [user("u"), bot("a"), user("v")]
    check(
        parse,
        "implicit",
        [
            ({"chosen": [*start, bot("c")], "rejected": [*start, bot("r")]}, (["u", "a", "v"], "c", "r")),
            ({"chosen": [user("u"), bot("c")], "rejected": [user("u"), bot("r")]}, (["u"], "c", "r")),
            ({"chosen": [user("u"), bot("c")], "rejected": [user("w"), bot("r")]}, "prompt_differs"),
            ({"chosen": [*start, bot("c")], "rejected": [user("u"), bot("x"), user("v"), bot("c")]},
             "multiple_final_messages"),
            ({"chosen": [*start, bot("c")], "rejected": [user("u"), bot("a"), user("w"), bot("r")]}, "prompt_differs"),
            ({"chosen": [*start, bot("c"), bot("d")], "rejected": [*start, bot("r")]}, "multiple_final_messages"),
            ({"chosen": [user("u"), bot("a")], "rejected": [*start, bot("r")]}, "multiple_final_messages"),
            ({"chosen": start, "rejected": [*start, bot("r")]}, "missing_response"),
            ({"chosen": start, "rejected": start}, "missing_response"),
            ({"chosen": [*start, bot("c")], "rejected": [*start, bot("c")]}, "identical_responses"),
            ({"chosen": [*start, user("c")], "rejected": [*start, user("r")]}, "final_not_assistant"),
            ({"chosen": [*start, bot("c")], "rejected": [*start, user("r")]}, "prompt_differs"),
            ({"chosen": [bot("c")], "rejected": [bot("r")]}, "missing_prompt"),
            ({"chosen": None, "rejected": [*start, bot("r")]}, "missing_response"),
            ({"chosen": [], "rejected": [*start, bot("r")]}, "missing_response"),
            ({"chosen": "text", "rejected": [*start, bot("r")]}, "unreadable_response"),
            ({"chosen": [*start, bot(" ")], "rejected": [*start, bot("r")]}, "empty_response"),
            ({"chosen": [*start, bot("a"), bot("c")], "rejected": [*start, bot("a"), bot("r")]},
             "prompt_ends_with_assistant"),
            ({"chosen": [{"role": "?", "content": "u"}, bot("c")], "rejected": [user("u"), bot("r")]}, "unknown_role"),
        ],
    )  # fmt: skip


def test_transcripts_are_cut_at_their_speakers(parse: Parse) -> None:
    start = "\n\nHuman: hi there\n\nAssistant: hello\n\nsecond paragraph\n\nHuman: why: Human: x"
    prompt = ["hi there", "hello\n\nsecond paragraph", "why: Human: x"]
    check(
        parse,
        "implicit",
        [
            ({"chosen": start + "\n\nAssistant: c", "rejected": start + "\n\nAssistant: r"}, (prompt, "c", "r")),
            ({"chosen": start + "\n\nAssistant:  c\n", "rejected": start + "\n\nAssistant: r"}, (prompt, " c\n", "r")),
            ({"chosen": start + "\n\nAssistant:", "rejected": start + "\n\nAssistant: r"}, "empty_response"),
            ({"chosen": start, "rejected": start + "\n\nAssistant: r"}, "missing_response"),
            ({"chosen": "\n\nHuman: a\n\nAssistant: c", "rejected": "\n\nHuman: b\n\nAssistant: r"}, "prompt_differs"),
            ({"chosen": "\n\nHuman: a\n\nAssistant: c\n\nAssistant: d", "rejected": "\n\nHuman: a\n\nAssistant: r"},
             "multiple_final_messages"),
            ({"chosen": "no transcript", "rejected": start + "\n\nAssistant: r"}, "unreadable_response"),
        ],
    )  # fmt: skip


@pytest.mark.parametrize(("prompt", "contents"), [("p", ["p"]), ([user("u")], ["u"])])
def test_labelled_shape_reads_every_verdict(parse: Parse, prompt: Any, contents: list[str]) -> None:
    row = {"prompt": prompt, "response_a": "x", "response_b": "y"}
    labels = ["a", "B>A", 0, 1, "tie", None, "none", "both bad"]
    shape, rows = parse([{**row, "label": label} for label in labels])
    assert shape == "labelled"
    expected = ["first", "second", "first", "second", "tie", "none", "none", None]
    assert [one["preference"] for one in rows] == expected
    assert [one["reason"] for one in rows] == [None] * 7 + ["unknown_label"]
    assert rows[-1]["detail"] == "label: both bad"
    assert summary(rows[0]) == (contents, "x", "y")


def test_labelled_shape_accepts_responses_as_messages(parse: Parse) -> None:
    row = {"question": "p", "response_a": [bot("x")], "response_b": [bot("y")], "gold": "b"}
    check(
        parse,
        "labelled",
        [
            (row, (["p"], "x", "y")),
            ({**row, "response_a": [bot("x"), user("?"), bot("z")]}, "multiple_final_messages"),
            ({**row, "response_b": None}, "missing_response"),
            ({**row, "response_b": [bot("x")]}, "identical_responses"),
        ],
    )


def test_a_forced_shape_overrules_what_the_columns_look_like(parse: Parse) -> None:
    prompt = json.dumps([user("u")])
    shape, (row,) = parse([{"prompt": prompt, "chosen": "c", "rejected": "r"}], "text")
    assert shape == "text"
    assert row["messages"] == [user(prompt)]
