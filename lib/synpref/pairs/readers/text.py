"""prompt, chosen, rejected as plain text."""

from __future__ import annotations

from pyspark.sql import DataFrame

from synpref.pairs.readers.fields import Fields
from synpref.pairs.readers.messages import user_message
from synpref.pairs.readers.shape import Shape, in_shape
from synpref.pairs.shape_rules import PROMPTS


def _read(rows: DataFrame, fields: Fields) -> DataFrame:
    return in_shape(rows, user_message(fields.text(fields.prompt)), fields.text("chosen"), fields.text("rejected"))


TEXT = Shape(
    "text",
    "prompt (or question), chosen, rejected: text",
    (PROMPTS, ("chosen",), ("rejected",)),
    _read,
)
