"""Verdicts that were recorded elsewhere: a file that answers in a judge's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import Any, Literal, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from synpref.errors import InputError

Verdict: TypeAlias = Literal["a", "b", "no_preference", "unparsed"]

_TYPES: dict[str, pa.DataType] = {
    "comparison_id": pa.string(),
    "order": pa.string(),
    "sample": pa.int32(),
    "verdict": pa.string(),
    "p_a": pa.float64(),
    "raw": pa.string(),
}
_OPTIONAL = ("p_a", "raw")
_VERDICTS: dict[str, Verdict] = {"a": "a", "b": "b", "no_preference": "no_preference", "unparsed": "unparsed"}
_ALLOWED = {"order": {"ab", "ba"}, "verdict": set(_VERDICTS)}


class Key(NamedTuple):
    """What a record answers. order: ab shows response_a first, ba response_b."""

    comparison_id: str
    order: str
    sample: int


class Recorded(NamedTuple):
    """A verdict in canonical order; p_a None and raw empty where the file tells none."""

    verdict: Verdict
    p_a: float | None
    raw: str


@dataclass(frozen=True)
class Replay:
    """The records of a file, held in memory: about a third of a kilobyte each."""

    records: dict[Key, Recorded]

    @classmethod
    def load(cls, path: str) -> Replay:
        """Read JSON Lines (.jsonl, .json) or parquet with the columns comparison_id, order, sample, verdict and,
        optionally, p_a and raw; further columns are ignored.

        Raises InputError where the file cannot be read, lacks a column, holds a null or a word that is no verdict, or
        answers a request twice.
        """
        table = _read(Path(path))
        records: dict[Key, Recorded] = {}
        rows = (row for batch in table.to_batches() for row in batch.to_pylist())
        for number, row in enumerate(rows, start=1):
            wrong = _wrong(row)
            # a word that stands in many records is held once
            key = Key("", "", 0) if wrong else Key(intern(row["comparison_id"]), intern(row["order"]), row["sample"])
            if wrong or key in records:
                raise InputError(f"{path}: record {number}: {wrong or 'this request is answered twice'}")
            records[key] = Recorded(_VERDICTS[row["verdict"]], row["p_a"], row["raw"] or "")
        return cls(records)

    def recorded(self, keys: Sequence[Key]) -> list[Recorded | None]:
        """The record of each key, in order; None where there is none."""
        return [self.records.get(key) for key in keys]


def _read(path: Path) -> pa.Table:
    try:
        found = pq.read_table(path) if path.suffix == ".parquet" else _json_lines(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: the recorded verdicts cannot be read: {error}") from None
    missing = [name for name in _TYPES if name not in found.column_names and name not in _OPTIONAL]
    if missing:
        raise InputError(f"{path}: recorded verdicts lack the columns {missing}; there are {found.column_names}")
    for name in set(_TYPES) - set(found.column_names):
        found = found.append_column(name, pa.nulls(len(found)))
    try:
        return found.select(list(_TYPES)).cast(pa.schema(_TYPES))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path}: recorded verdicts have a column of a wrong type: {error}") from None


def _json_lines(path: Path) -> pa.Table:
    # A field that no line has becomes a column of nulls, and is told as such.
    return pj.read_json(
        path, parse_options=pj.ParseOptions(explicit_schema=pa.schema(_TYPES), unexpected_field_behavior="ignore")
    )


def _wrong(row: dict[str, Any]) -> str | None:
    for name in _TYPES:
        if row[name] is None and name not in _OPTIONAL:
            return f"{name} is missing"
    for name, words in _ALLOWED.items():
        if row[name] not in words:
            return f"{name} is {row[name]!r}; give one of {', '.join(sorted(words))}"
    if row["p_a"] is not None and not 0 <= row["p_a"] <= 1:
        return f"p_a is {row['p_a']}; give a probability, or nothing"
    return None
