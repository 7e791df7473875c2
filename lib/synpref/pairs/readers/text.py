"""prompt, chosen, rejected as plain text."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from synpref.pairs.readers.fields import Fields, Kind
from synpref.pairs.readers.messages import user_message
from synpref.pairs.readers.shape import Shape, in_shape


def _matches(kinds: Mapping[str, Kind]) -> bool:
    prompt = kinds.get("prompt", kinds.get("question"))
    return prompt == "text" and kinds.get("chosen") == "text" and kinds.get("rejected") == "text"


def _read(rows: DataFrame, fields: Fields) -> DataFrame:
    return in_shape(rows, user_message(fields.text(fields.prompt)), fields.text("chosen"), fields.text("rejected"))


TEXT = Shape(
    "text",
    "prompt (or question), chosen, rejected: text",
    (("prompt", "question"), ("chosen",), ("rejected",)),
    _matches,
    _read,
)
