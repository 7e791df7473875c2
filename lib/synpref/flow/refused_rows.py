"""Where refused rows of training data stand, for an error that a person must act on: one row a reason."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.pairs.identity import hash128
from synpref.pairs.ingested import Ingested
from synpref.store.warehouse import Warehouse

MOST_LINES = 1_000_000  # of a file that are looked through for one


def places_of_refused(warehouse: Warehouse, read: Sequence[Ingested], refused: DataFrame) -> dict[str, str]:
    """The place of one refused row by reason code: `line 3 of pairs.jsonl`, `row index 2 of pairs.parquet`.

    read: what `write_ingested` wrote, whose own reasons stand in occurrences. refused: comparison_id, reason of what
    was refused after it was read.
    """
    paths = {file.file_id: file.path for one in read for file in one.read}
    rows = warehouse.read("occurrences").where(F.col("file_id").isin(list(paths)))
    at_reading = rows.where("reason IS NOT NULL").select("reason", "file_id", "row")
    # both as large as what was refused, on the key
    later = rows.drop("reason").join(refused.select("comparison_id", "reason"), "comparison_id")
    first = F.min_by(F.struct("file_id", "row"), F.struct(F.length("row"), "row", "file_id"))
    found = at_reading.unionByName(later.select("reason", "file_id", "row")).groupBy("reason").agg(first.alias("first"))
    places = {row["reason"]: row["first"] for row in found.collect()}  # a handful of reasons
    return {reason: place_of(paths[one["file_id"]], one["row"]) for reason, one in places.items()}


def place_of(path: str, row: str) -> str:
    """What a person finds a row by. row: as in occurrences, an index or a line's hash with a counter."""
    line, dash, _ = row.partition("-")
    if not dash:
        return f"row index {row} of {path}"
    number = _line_number(Path(path), line)
    return f"line {number} of {path}" if number else f"row {row} of {path}"


def _line_number(path: Path, wanted: str) -> int | None:
    """None where the line is not found: in a compressed file, on another machine, behind MOST_LINES.

    A row of a Delta table has no line: its file is parquet.
    """
    if path.suffix in (".gz", ".parquet") or not path.is_file():
        return None
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(islice(lines, MOST_LINES), start=1):
            if hash128(line.removesuffix("\n")) == wanted:
                return number
    return None
