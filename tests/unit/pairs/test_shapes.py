from __future__ import annotations

import pytest

from synpref.errors import InputError, SettingsError
from synpref.pairs.readers.fields import Fields
from synpref.pairs.readers.shapes import SHAPES, choose_shape
from synpref.pairs.shape_rules import MATCHES, Kind


def fields(**kinds: Kind) -> Fields:
    def unused(*_: object) -> None:
        raise AssertionError("choosing a shape reads no row")

    return Fields(tuple(kinds), unused, unused, None, None, kinds)  # type: ignore[arg-type]  # no Spark in a unit test


@pytest.mark.parametrize(
    ("kinds", "shape"),
    [
        ({"prompt": "text", "chosen": "text", "rejected": "text"}, "text"),
        ({"question": "text", "chosen": "text", "rejected": "text"}, "text"),
        ({"chosen": "messages", "rejected": "messages"}, "implicit"),
        ({"chosen": "transcript", "rejected": "transcript"}, "implicit"),
        ({"prompt": "text", "chosen": "messages", "rejected": "messages"}, "implicit"),
        ({"prompt": "messages", "chosen": "messages", "rejected": "messages"}, "conversational"),
        ({"prompt": "messages", "chosen": "text", "rejected": "text"}, "json_prompt"),
        ({"prompt": "text", "response_a": "text", "response_b": "text", "label": "text"}, "labelled"),
        ({"question": "text", "response_a": "text", "response_b": "text", "gold": "text"}, "labelled"),
        ({"prompt": "messages", "response_a": "messages", "response_b": "text", "winner": "text"}, "labelled"),
    ],
)
def test_columns_tell_the_shape(kinds: dict[str, Kind], shape: str) -> None:
    assert choose_shape(fields(**kinds), "auto", "f").name == shape


@pytest.mark.parametrize(
    "kinds",
    [
        {},
        {"chosen": "text", "rejected": "text"},
        {"prompt": "text", "chosen": "messages", "rejected": "text"},
        {"prompt": "text", "response_a": "text", "response_b": "text"},
        {"prompt": "text", "completion": "text"},
    ],
)
def test_an_unknown_shape_shows_what_was_found_and_every_shape_known(kinds: dict[str, Kind]) -> None:
    with pytest.raises(InputError) as error:
        choose_shape(fields(**kinds), "auto", "data/x.parquet")
    message = str(error.value)
    assert "data/x.parquet" in message
    for name, kind in kinds.items():
        assert f"{name} ({kind})" in message
    for shape in SHAPES.values():
        assert f"{shape.name}: {shape.needs}" in message


def test_a_forced_shape_is_taken_where_its_columns_are_there() -> None:
    ambiguous = fields(prompt="messages", chosen="text", rejected="text")
    assert choose_shape(ambiguous, "text", "f").name == "text"


def test_a_forced_shape_without_its_columns_names_the_missing_ones() -> None:
    with pytest.raises(InputError, match=r"missing: rejected\. Columns found: prompt \(text\), chosen \(text\)"):
        choose_shape(fields(prompt="text", chosen="text"), "text", "f")


def test_an_unknown_forced_shape_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="'trl' is none of auto, conversational"):
        choose_shape(fields(prompt="text"), "trl", "f")


def test_every_shape_has_a_rule_and_both_are_asked_in_one_order() -> None:
    assert list(SHAPES) == list(MATCHES)
