"""Conversations as one text, the form of Anthropic's HH: "\\n\\nHuman: ...\\n\\nAssistant: ..."."""

from __future__ import annotations

import re

from pyspark.sql import Column
from pyspark.sql import functions as F

_TURN = r"\n\n(?=(?:Human|Assistant):)"
_SPEAKER = r"^(Human|Assistant): ?"
_START = r"^\s*Human:"
_BLANK = r"^\s+"


def transcript_messages(text: Column) -> Column:
    """Cut a transcript at its speakers: array<struct<role, content>>, contents unchanged but for one leading space.

    Text before the first speaker becomes a message with an empty role, which no reader accepts. Null where null.
    """
    turns = F.split(F.concat(F.lit("\n\n"), F.regexp_replace(text, _BLANK, "")), _TURN)
    spoken = F.filter(turns, lambda turn: turn != "")
    return F.transform(
        spoken,
        lambda turn: F.struct(
            F.regexp_extract(turn, _SPEAKER, 1).alias("role"), F.regexp_replace(turn, _SPEAKER, "").alias("content")
        ),
    )


def looks_like_transcript(text: str) -> bool:
    """Tell whether a text begins as a transcript does."""
    return re.match(_START, text, flags=re.ASCII) is not None


def is_transcript(text: Column) -> Column:
    """Twin of `looks_like_transcript`; null where the text is null."""
    return text.rlike(_START)
