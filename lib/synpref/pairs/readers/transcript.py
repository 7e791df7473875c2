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


def looks_like_transcript(text: Column) -> Column:
    """Tell whether a text begins as a transcript does; false where the text is null."""
    return F.coalesce(text.rlike(_START), F.lit(False))


def split_transcript(text: str) -> list[dict[str, str]]:
    """Python twin of `transcript_messages`."""
    turns = [turn for turn in re.split(_TURN, "\n\n" + re.sub(_BLANK, "", text, flags=re.ASCII)) if turn]
    spoken = [(re.match(_SPEAKER, turn), turn) for turn in turns]
    return [
        {"role": match.group(1), "content": turn[match.end() :]} if match else {"role": "", "content": turn}
        for match, turn in spoken
    ]
