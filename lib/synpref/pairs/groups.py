"""Whether an input has the groups that a setting asks for."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.errors import InputError
from synpref.pairs.files import damaged_files_named
from synpref.pairs.provenance import group
from synpref.pairs.readers.fields import EXTRA, TEXT_MAP, Fields

_FIRST_ROWS = 100  # whose keys of `extra` are told
_CHARACTERS = 80  # of a value that is told


def check_groups(raw: DataFrame, fields: Fields, column: str | None, pattern: str | None, path: str) -> None:
    """Raise InputError where no row of an input has a group: each would fall back to that of its own prompt.

    raw: see `raw.raw_rows`; it is read up to the first row with a group. column, pattern: see `provenance.group`;
    without a column nothing is asked.
    """
    if column is None:
        return
    rows = raw.withColumn(EXTRA, F.from_json(fields.text("extra"), TEXT_MAP))
    with damaged_files_named():
        if not rows.where(group(fields, column, pattern).isNotNull()).isEmpty():
            return
        value = rows.select(group(fields, column, None).alias("value")).where("value IS NOT NULL").first()
        if value is not None:
            raise InputError(
                f"{path}: groups.pattern {pattern!r} matches no value of {column}; one of them is "
                f"{value['value'][:_CHARACTERS]!r}"
            )
        raise InputError(
            f"{path}: no row has a group: groups.column is {column!r}. Columns found: {', '.join(fields.names)}"
            f"{_of_extra(rows)}. Correct the setting, or give this input such a column"
        )


def _of_extra(rows: DataFrame) -> str:
    keys = rows.select(EXTRA).limit(_FIRST_ROWS).select(F.explode(F.map_keys(EXTRA)).alias("key")).distinct()
    found = sorted(row["key"] for row in keys.collect())  # of few rows
    return f"; in extra: {', '.join(found)}" if found else ""
