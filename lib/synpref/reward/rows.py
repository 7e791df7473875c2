"""Training and evaluation rows as they lie in a snapshot folder: comparisons/*.parquet and responses/*.parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from numpy.typing import NDArray

from synpref.engines.tokenise import Conversation
from synpref.errors import InputError
from synpref.reward.ids import Ids, Keys, hexadecimal, number, pack

COMPARISON_COLUMNS = ["comparison_id", "prompt_id", "chosen_response_id", "rejected_response_id"]
RESPONSE_COLUMNS = ["response_id", "messages", "text"]
ROWS_AT_ONCE = 65_536


@dataclass(frozen=True)
class Comparisons:
    """Oriented comparisons over numbered responses, sorted by comparison_id.

    response_ids[i] is the id of response i; chosen, rejected and prompt (int32, one value a comparison) number
    responses and prompts. digest: hash of the rows, whatever files they came in.
    """

    response_ids: Sequence[str]
    chosen: NDArray[np.int32]
    rejected: NDArray[np.int32]
    prompt: NDArray[np.int32]
    digest: str

    def __len__(self) -> int:
        return len(self.chosen)

    def only(self, usable: NDArray[np.bool_]) -> Comparisons:
        """Those comparisons whose both responses are usable (one value a response); numbers and digest stay."""
        rows = usable[self.chosen] & usable[self.rejected]
        return replace(self, chosen=self.chosen[rows], rejected=self.rejected[rows], prompt=self.prompt[rows])


def read_comparisons(folder: Path) -> Comparisons:
    """Read `folder`/comparisons as numbers: 12 bytes a comparison and 16 a response stay, some 150 are used meanwhile.

    Raises InputError: no such folder, column or row, an empty or malformed id, or equal sides.
    """
    comparison, prompt, chosen, rejected = _read_keys(folder)
    if not len(comparison):
        raise InputError(f"{folder}: no comparisons to read; nothing can be trained or measured on them")
    order = np.lexsort((chosen, comparison))
    comparison, chosen, rejected = comparison[order], chosen[order], rejected[order]
    same = np.flatnonzero(chosen == rejected)
    if len(same):
        name = Ids(comparison)[int(same[0])]
        raise InputError(f"{folder}/comparisons: {name} compares a response with itself; {len(same)} rows do")
    digest = _digest(comparison, chosen)
    prompts, _ = number(prompt[order])
    del comparison, prompt, order
    codes, distinct = number(np.concatenate([chosen, rejected]))
    half = len(codes) // 2
    return Comparisons(Ids(distinct.copy()), codes[:half], codes[half:], prompts, digest)


def read_responses(folder: Path, rows: int = 1024) -> Iterator[tuple[list[str], list[Conversation]]]:
    """Stream `folder`/responses as (response_ids, conversations), at most `rows` at a time."""
    dataset = _dataset(folder / "responses", RESPONSE_COLUMNS)
    for batch in dataset.to_batches(columns=RESPONSE_COLUMNS, batch_size=rows):
        rows_read = batch.to_pylist()
        if any(row[name] is None for row in rows_read for name in RESPONSE_COLUMNS):
            raise InputError(f"{folder}/responses: a row lacks one of {', '.join(RESPONSE_COLUMNS)}")
        talks = [Conversation(row["messages"], row["text"]) for row in rows_read]
        yield [row["response_id"] for row in rows_read], talks


def _dataset(folder: Path, columns: list[str]) -> ds.Dataset:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of parquet files")
    try:
        dataset = ds.dataset(sorted(map(str, folder.glob("*.parquet"))), format="parquet")
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{folder}: not readable as parquet ({error})") from error
    absent = [name for name in columns if name not in dataset.schema.names]
    if absent:
        raise InputError(f"{folder}: no column {', '.join(absent)}; found {', '.join(dataset.schema.names) or 'none'}")
    return dataset


def _read_keys(folder: Path) -> list[Keys]:
    """The four columns as keys, read part by part."""
    where = folder / "comparisons"
    dataset = _dataset(where, COMPARISON_COLUMNS)
    parts: list[list[Keys]] = [[] for _ in COMPARISON_COLUMNS]
    for batch in dataset.to_batches(columns=COMPARISON_COLUMNS, batch_size=ROWS_AT_ONCE):
        for name, column, found in zip(COMPARISON_COLUMNS, batch.columns, parts, strict=True):
            if column.null_count:
                raise InputError(f"{where}: {column.null_count} rows have no {name}")
            found.append(pack(column, f"{where}, {name}"))
    return [np.concatenate(found) if found else np.empty(0, dtype="S16") for found in parts]


def _digest(comparison: Keys, chosen: Keys) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(comparison), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        names, sides = hexadecimal(comparison[rows]), hexadecimal(chosen[rows])
        ends = np.full((len(names), 1), ord("\n"), dtype=np.uint8)
        digest.update(np.hstack([names, ends, sides, ends]).tobytes())
    return digest.hexdigest()
