"""The typed settings of what is read: files of pairs, how much of them, and what names the group of a prompt."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from synpref.section import Count, Positive, Section
from synpref.settings_evaluate import nearest

# pairs.readers.shapes knows them too, and may not be imported here; a test holds the two together.
SHAPE_NAMES = ("auto", "conversational", "json_prompt", "implicit", "text", "labelled")


def _known_shape(shape: str) -> str:
    if shape not in SHAPE_NAMES:
        raise ValueError(f"no shape is called {shape!r}; {nearest(shape, SHAPE_NAMES)}")
    return shape


def _with_capture(pattern: str) -> str:
    try:
        captures = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    if not captures:
        raise ValueError(f"{pattern!r} has no capture; put the group in parentheses")
    return pattern


class Input(Section):
    """One file, folder or pattern of preference pairs."""

    path: str
    source: str
    shape: Annotated[str, AfterValidator(_known_shape)] = "auto"
    format: Literal["auto", "parquet", "jsonl"] = "auto"
    use: Literal["pool", "test"] = "pool"
    label_origin: str | None = None


class Sample(Section):
    """How much of the inputs is read."""

    prompts: Positive | None
    comparisons_per_prompt: Positive | None


class Generated(Section):
    """The generated pool with known truth."""

    prompts: Count
    test_prompts: Count


class Groups(Section):
    """Which column names the group of a prompt."""

    column: str | None
    pattern: Annotated[str, AfterValidator(_with_capture)] | None

    @model_validator(mode="after")
    def _of_a_column(self) -> Groups:
        if self.pattern is not None and self.column is None:
            raise ValueError("groups.pattern is matched against groups.column, which is null; name the column")
        return self
