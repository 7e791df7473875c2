"""What is read, and what names the group of a prompt: a mistake is told before Spark starts, with file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from synpref.config import load_settings
from synpref.errors import SettingsError
from synpref.pairs.readers.shapes import SHAPES
from synpref.settings_inputs import SHAPE_NAMES


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["inputs=[{path: p, source: s, shape: trl}]"], "inputs.0.shape: no shape is called 'trl'; did you mean"),
        (
            ["train.data.pairs=[{path: p, source: s, shape: implict}]"],
            "train.data.pairs.0.shape: no shape is called 'implict'; did you mean implicit? There are auto, ",
        ),
        (["groups.column=x", "groups.pattern=("], "groups.pattern: '(' is no regular expression: missing )"),
        (["groups.column=x", "groups.pattern=^a"], "groups.pattern: '^a' has no capture; put the group in parentheses"),
        (["groups.pattern=(a)"], "groups: groups.pattern is matched against groups.column, which is null"),
    ],
)
def test_the_line_names_the_key(words: list[str], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(["local"], words)
    assert str(caught.value).startswith(f"command line: {told}")


def test_the_line_names_the_file(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("groups: {column: topic, pattern: '[a'}\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(["local", str(overlay)], ["seed=1"])
    assert str(caught.value).startswith(f"{overlay}: groups.pattern: '[a' is no regular expression")


def test_the_shapes_of_the_settings_are_those_of_the_readers() -> None:
    assert set(SHAPE_NAMES) == {"auto", *SHAPES}
