"""What a file's first rows hold: which columns there are, and which of them are text or conversations."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.pairs.readers.fields import Fields, json_fields
from synpref.pairs.shape_rules import FIRST_CHARACTERS, FIRST_ROWS, TOLD_BY, kind_of


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
