"""What every reader is, and the common shape that it makes of raw rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.pairs.labels import FIRST
from synpref.pairs.readers.fields import Fields
from synpref.pairs.shape_rules import MATCHES, Kinds

PROMPT, FIRST_TEXT, SECOND_TEXT = "messages", "first_text", "second_text"
PREFERENCE, PROBLEM, DETAIL = "preference", "problem", "detail"


@dataclass(frozen=True)
class Shape:
    """A public form of preference data.

    needs: the columns it is told by, for people. columns: those that must exist where the shape is forced, and that do
    not go into `extra`. read: adds the common columns `messages`, `first_text`, `second_text`, `preference` (first /
    second / tie / none), `problem` and `detail`.
    """

    name: str
    needs: str
    columns: tuple[tuple[str, ...], ...]
    read: Callable[[DataFrame, Fields], DataFrame]

    def matches(self, kinds: Kinds) -> bool:
        """Whether columns of these kinds are this shape (`shape_rules`)."""
        return MATCHES[self.name](kinds)

    def used(self, fields: Fields) -> list[str]:
        """The columns of this file that the reader turns into prompt, responses and label."""
        return [next((name for name in names if name in fields.names), names[0]) for names in self.columns]


def in_shape(
    rows: DataFrame,
    messages: Column,
    first: Column,
    second: Column,
    *,
    preferred: Column | None = None,
    problem: Column | None = None,
    detail: Column | None = None,
) -> DataFrame:
    """Add the common columns; without `preferred` the first response is the chosen one."""
    null = F.lit(None).cast("string")
    return rows.withColumns(
        {
            PROMPT: messages,
            FIRST_TEXT: first,
            SECOND_TEXT: second,
            PREFERENCE: F.lit(FIRST) if preferred is None else preferred,
            PROBLEM: null if problem is None else problem,
            DETAIL: null if detail is None else detail,
        }
    )
