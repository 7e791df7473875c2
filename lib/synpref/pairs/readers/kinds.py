"""What a file's first rows hold: which columns there are, and which of them are text or conversations."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.pairs.readers.fields import Fields, Kind, json_fields
from synpref.pairs.readers.transcript import looks_like_transcript

FIRST_ROWS = 100  # enough to outvote a few broken rows; they come to the driver, each value cut off
FIRST_CHARACTERS = 20_000
TOLD_BY = ("prompt", "question", "chosen", "rejected", "response_a", "response_b", "label", "gold", "winner")

_BEGINS = re.compile(r"\[\s*\{")
_HAS_ROLE = re.compile(r'"(?:role|from)"\s*:')


def looks_like_messages(text: str) -> bool:
    """Tell whether a text is, or if cut off begins like, a JSON list of messages."""
    stripped = text.lstrip()
    if not _BEGINS.match(stripped):
        return False
    try:
        first = json.loads(stripped)[0]
    except ValueError:
        return len(text) >= FIRST_CHARACTERS and bool(_HAS_ROLE.search(stripped))
    return bool({"role", "from"} & first.keys())


def kind_of(values: Sequence[str | None]) -> Kind:
    """The kind that most values of a column have; text where there is none."""
    told = [value for value in values if value is not None]
    if 2 * sum(map(looks_like_messages, told)) > len(told):
        return "messages"
    return "transcript" if 2 * sum(map(looks_like_transcript, told)) > len(told) else "text"


def sniff(rows: DataFrame, fields: Fields) -> tuple[Fields, int]:
    """Complete `fields` with kinds (and names, for JSON lines) from the first rows; also give how many of them read."""
    lines = "fields" in rows.columns
    asked = [name for name in TOLD_BY if lines or name in fields.names]
    # the shortest prefix that tells; a JSON line's own columns are known only now
    values = [F.substring(fields.text(name), 1, FIRST_CHARACTERS).alias(name) for name in asked]
    keys = F.map_keys("fields") if lines else F.array()
    head = rows.limit(FIRST_ROWS).select(keys.alias("keys"), fields.unreadable.alias("unreadable"), *values).collect()
    if lines:
        fields = json_fields(dict.fromkeys(key for row in head for key in row["keys"] or ()))
    kinds = {name: kind_of([row[name] for row in head]) for name in asked if name in fields.names}
    return replace(fields, kinds=kinds), sum(not row["unreadable"] for row in head)
