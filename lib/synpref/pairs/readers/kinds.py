"""What a file's first rows hold: which columns there are, and which of them are text or conversations."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.pairs.readers.fields import Fields, Kind, json_fields
from synpref.pairs.readers.messages import looks_like_messages
from synpref.pairs.readers.transcript import looks_like_transcript

FIRST_ROWS = 500  # enough to meet rare columns and to outvote a few broken rows; read from the first file only
TOLD_BY = ("prompt", "question", "chosen", "rejected", "response_a", "response_b", "label", "gold", "winner")


def sniff(rows: DataFrame, fields: Fields) -> tuple[Fields, int]:
    """Complete `fields` with kinds (and names, for JSON lines) from the first rows; also give how many of them read.

    A column is of the kind that most of its values have; one without a value there is text.
    """
    counts = []
    for name in TOLD_BY:
        text = fields.text(name)
        counts += [
            F.count(text).alias(f"{name}:text"),
            F.count_if(looks_like_messages(text)).alias(f"{name}:messages"),
            F.count_if(looks_like_transcript(text)).alias(f"{name}:transcript"),
        ]
    keys = F.array_distinct(F.flatten(F.collect_list(F.map_keys("fields")))) if "fields" in rows.columns else F.array()
    head = rows.limit(FIRST_ROWS).agg(
        keys.alias("names"), F.count("*").alias("rows"), F.count_if(~fields.unreadable).alias("read"), *counts
    )
    facts = head.collect()[0].asDict()  # one row
    if "fields" in rows.columns:
        fields = json_fields(facts["names"])
    kinds: dict[str, Kind] = {}
    for name in TOLD_BY:
        if name in fields.names:
            kinds[name] = _kind(facts[f"{name}:text"], facts[f"{name}:messages"], facts[f"{name}:transcript"])
    return replace(fields, kinds=kinds), facts["read"]


def _kind(values: int, messages: int, transcripts: int) -> Kind:
    if 2 * messages > values:
        return "messages"
    return "transcript" if 2 * transcripts > values else "text"
