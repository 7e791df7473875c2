"""Conversations as one text, the form of Anthropic's HH: "\\n\\nHuman: ...\\n\\nAssistant: ..."."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from synpref.pairs.shape_rules import BLANK, SPEAKER, START, TURN


def transcript_messages(text: Column) -> Column:
    """Cut a transcript at its speakers: array<struct<role, content>>, contents unchanged but for one leading space.

    Text before the first speaker becomes a message with an empty role, which no reader accepts. Null where null.
    """
    turns = F.split(F.concat(F.lit("\n\n"), F.regexp_replace(text, BLANK, "")), TURN)
    spoken = F.filter(turns, lambda turn: turn != "")
    return F.transform(
        spoken,
        lambda turn: F.struct(
            F.regexp_extract(turn, SPEAKER, 1).alias("role"), F.regexp_replace(turn, SPEAKER, "").alias("content")
        ),
    )


def is_transcript(text: Column) -> Column:
    """Twin of `shape_rules.looks_like_transcript`; null where the text is null."""
    return text.rlike(START)
