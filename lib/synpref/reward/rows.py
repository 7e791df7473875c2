"""Training and evaluation rows as they lie in a snapshot folder: comparisons/*.parquet and responses/*.parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from synpref.engines.tokenise import Conversation
from synpref.errors import InputError

COMPARISON_COLUMNS = ["comparison_id", "prompt_id", "chosen_response_id", "rejected_response_id"]
RESPONSE_COLUMNS = ["response_id", "messages", "text"]


@dataclass(frozen=True)
class Comparisons:
    """Oriented comparisons over numbered responses, sorted by comparison_id.

    response_ids[i] is the id of response i; chosen, rejected and prompt (int32, one value a comparison) number
    responses and prompts. digest: hash of the rows, whatever files they came in.
    """

    response_ids: list[str]
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
    """Read `folder`/comparisons. Raises InputError: no such folder, column or row, an empty id, or equal sides."""
    table = _dataset(folder / "comparisons", COMPARISON_COLUMNS).to_table(columns=COMPARISON_COLUMNS)
    if table.num_rows == 0:
        raise InputError(f"{folder}: no comparisons to read; nothing can be trained or measured on them")
    for name in COMPARISON_COLUMNS:
        if table[name].null_count:
            raise InputError(f"{folder}/comparisons: {table[name].null_count} rows have no {name}")
    table = table.sort_by([("comparison_id", "ascending"), ("chosen_response_id", "ascending")])
    chosen, rejected = table["chosen_response_id"], table["rejected_response_id"]
    same = pc.index(pc.equal(chosen, rejected), pa.scalar(True)).as_py()
    if same >= 0:
        raise InputError(f"{folder}/comparisons: {table['comparison_id'][same]} compares a response with itself")
    sides = pa.chunked_array([*chosen.chunks, *rejected.chunks]).combine_chunks().dictionary_encode()
    codes = sides.indices.to_numpy()
    return Comparisons(
        response_ids=[str(name) for name in sides.dictionary.to_pylist()],
        chosen=codes[: len(table)],
        rejected=codes[len(table) :],
        prompt=table["prompt_id"].combine_chunks().dictionary_encode().indices.to_numpy(),
        digest=_digest(table),
    )


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


def _digest(table: pa.Table) -> str:
    digest = hashlib.sha256()
    for batch in table.select(["comparison_id", "chosen_response_id"]).to_batches(max_chunksize=65_536):
        for pair in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            digest.update("{}\n{}\n".format(*pair).encode())
    return digest.hexdigest()
