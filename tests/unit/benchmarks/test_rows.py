"""What a reader may ask of a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synpref.benchmarks.rows import Row
from synpref.errors import InputError

HALF = "\ud83d"


def row(**values: Any) -> Row:
    return Row(Path("set.jsonl"), "line 7", values)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: row(a=1).text("b", "c"), r"no column 'b' or 'c'; found: a"),
        (lambda: row().text("b"), "found: none"),
        (lambda: row(a=None).text("a"), "must be text, not null"),
        (lambda: row(a=1).text("a"), "must be text, not int"),
        (lambda: row(a=HALF).text("a"), "surrogate"),
        (lambda: row(a=" ").name("a"), "is empty"),
        (lambda: row(a=True).name("a"), "must be text, not bool"),
        (lambda: row(a="x").texts("a"), "a list of texts, not str"),
        (lambda: row(a=[]).texts("a"), "holds 0 texts, fewer than 1"),
        (lambda: row(a=["x", None]).texts("a"), r"'a\[1\]' must be text, not null"),
        (lambda: row(a=[]).parts("a"), "at least one object"),
        (lambda: row(a=[{"b": 1}]).parts("a")[0].text("b"), r"line 7, a\[0\]: column 'b'"),
        (lambda: row(a="x").part("a"), "must be an object, not str"),
        (lambda: row(a="x").one_of(("y", "z"), "a"), "unknown value 'x'; known: y, z"),
        (lambda: row(a="1").number("a"), "finite number, not '1'"),
        (lambda: row(a=True).number("a"), "finite number"),
        (lambda: row(a=float("nan")).number("a"), "finite number, not nan"),
        (lambda: row(a=10**400).number("a"), "holds a number that no score can have"),
        (lambda: row(a=[1]).conversation("a"), "must be a message"),
        (lambda: row(a=[]).conversation("a"), "must be text, not list"),
        (lambda: row(a=[{"role": "judge", "content": "x"}]).conversation("a"), "unknown role 'judge'"),
        (lambda: row(a=[{"role": "user"}]).conversation("a"), r"'a\[0\].content' must be text, not null"),
    ],
)
def test_a_refusal_names_file_row_and_column(ask: Callable[[], object], told: str) -> None:
    with pytest.raises(InputError, match=told) as refused:
        ask()
    assert str(refused.value).startswith("set.jsonl: line 7")


def test_the_first_name_that_is_there_counts() -> None:
    assert row(b="second", c="third").text("a", "b", "c") == "second"


def test_an_id_may_be_a_number() -> None:
    assert row(id=12).name("id") == "12"


def test_a_text_is_one_user_turn() -> None:
    assert row(prompt="Hello").conversation("prompt") == ({"role": "user", "content": "Hello"},)


@pytest.mark.parametrize("text", ['["a", "b"]', "[]", "[1, 2", '[{"name": "x"}]'])
def test_a_prompt_that_is_json_but_no_conversation_stays_text(text: str) -> None:
    assert row(prompt=text).conversation("prompt") == ({"role": "user", "content": text},)


def test_messages_come_as_list_or_as_json_and_get_standard_roles() -> None:
    expected = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})
    given = [{"role": "Human", "content": "a", "language": "English"}, {"role": "gpt", "content": "b"}]
    assert row(prompt=given).conversation("prompt") == expected
    as_text = '[{"role": "human", "content": "a"}, {"role": "gpt", "content": "b"}]'
    assert row(prompt=as_text).conversation("prompt") == expected
