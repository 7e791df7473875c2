"""Training and evaluation rows as they lie in a snapshot folder: comparisons/*.parquet and responses/*.parquet."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from synpref.engines.tokenise import Conversation
from synpref.errors import InputError
from synpref.pairs.identity import hash128
from synpref.reward.columns import Columns
from synpref.reward.ids import Ids, Keys, pack
from synpref.reward.numbering import ARRAYS, FACTS, write_numbered

COMPARISON_COLUMNS = ["comparison_id", "prompt_id", "chosen_response_id", "rejected_response_id"]
RESPONSE_COLUMNS = ["response_id", "messages", "text"]
ROWS_AT_ONCE = 65_536
NUMBERED = ".numbered"


class Groups(NamedTuple):
    """Rows by prompt: row numbers in `order`, those of prompt i from starts[i] to starts[i + 1], ascending."""

    order: NDArray[np.int32]
    starts: NDArray[np.int64]


@dataclass(frozen=True)
class Comparisons:
    """Oriented comparisons over numbered responses, sorted by comparison_id.

    response_ids[i] is the id of response i; chosen, rejected and prompt (int32, one value a comparison) number
    responses and prompts. digest: hash of the rows, whatever files they came in. groups: None where they are yet to be
    found.
    """

    response_ids: Sequence[str]
    chosen: NDArray[np.int32]
    rejected: NDArray[np.int32]
    prompt: NDArray[np.int32]
    digest: str
    groups: Groups | None = None

    def __len__(self) -> int:
        return len(self.chosen)

    def only(self, usable: NDArray[np.bool_], folder: Path | None = None) -> Comparisons:
        """Those comparisons whose both responses are usable (one value a response); numbers and digest stay.

        folder: see `Columns`.
        """
        if all(usable[start : start + ROWS_AT_ONCE].all() for start in range(0, len(usable), ROWS_AT_ONCE)):
            return self
        kept = Columns(len(self), [np.int32] * 3, folder)
        numbers = Columns(len(self), [np.int32], folder)  # of each row among those that are kept; -1: it is not
        total = 0
        for start in range(0, len(self), ROWS_AT_ONCE):
            sides = [side[start : start + ROWS_AT_ONCE] for side in (self.chosen, self.rejected, self.prompt)]
            both = usable[sides[0]] & usable[sides[1]]
            kept.put(*(side[both] for side in sides))
            numbers.put(np.where(both, total + np.cumsum(both) - 1, -1))
            total += int(both.sum())
        chosen, rejected, prompt = kept.done()
        groups = _regrouped(self.grouped(), numbers.done()[0], folder)
        return replace(self, chosen=chosen, rejected=rejected, prompt=prompt, groups=groups)

    def grouped(self) -> Groups:
        """The rows by prompt; of what was not read from a folder they are sorted here, in memory."""
        if self.groups is not None:
            return self.groups
        order = np.argsort(self.prompt, kind="stable")
        return Groups(order.astype(np.int32), np.flatnonzero(np.diff(self.prompt[order], prepend=-1, append=-1)))


def _regrouped(groups: Groups, numbers: NDArray[np.int32], folder: Path | None) -> Groups:
    """The groups of the rows that are kept under new numbers; a prompt without any is none."""
    order, starts = groups
    rows = Columns(len(order), [np.int32], folder)
    begins = Columns(len(starts), [np.int64], folder)
    total = 0
    for first in range(0, len(starts) - 1, ROWS_AT_ONCE):
        bounds = np.array(starts[first : first + ROWS_AT_ONCE + 1])
        found = numbers[order[bounds[0] : bounds[-1]]]
        held = np.add.reduceat(found >= 0, bounds[:-1] - bounds[0], dtype=np.int64)
        rows.put(found[found >= 0])
        begins.put((total + np.cumsum(held) - held)[held > 0])
        total += int(held.sum())
    begins.put(np.array([total]))
    return Groups(rows.done()[0], begins.done()[0])


def read_comparisons(folder: Path) -> Comparisons:
    """Read `folder`/comparisons as numbers that lie on disk and are looked at through memory maps.

    The first time they are written to `folder`/.numbered, bucket by bucket; where that cannot be written to, to files
    that are gone with this process. Raises InputError: no such folder, column or row, an empty or malformed id, equal
    sides, no space left, or too few open files allowed.
    """
    where = folder / "comparisons"
    dataset = _dataset(where, COMPARISON_COLUMNS)
    held = folder / NUMBERED / _version(where)
    if (held / FACTS).is_file():
        return _opened(held)
    place = str(held.parent)
    try:
        with _scratch(held.parent) as place:
            staged = Path(place) / "numbers"
            staged.mkdir()
            _write(dataset, where, staged)
            found = _opened(staged)  # what is mapped stays, wherever its folder goes
            with contextlib.suppress(OSError):  # another process was faster
                staged.rename(held)
            return found
    except OSError as error:
        too_many = error.errno == errno.EMFILE
        told = "raise the limit of open files (ulimit -n)" if too_many else "is that disk full?"
        raise InputError(f"{where}: could not be numbered in {place} ({error}); {told}") from error


def _scratch(beside: Path) -> TemporaryDirectory[str]:
    """A folder in `beside`, or, where that cannot be written to, among the temporary files."""
    with contextlib.suppress(OSError):
        beside.mkdir(exist_ok=True)
        return TemporaryDirectory(prefix=".", dir=beside, ignore_cleanup_errors=True)
    return TemporaryDirectory(prefix=".", ignore_cleanup_errors=True)


def _version(where: Path) -> str:
    """A name for what the files hold, by their names, sizes and times: reading them all is what it spares."""
    facts = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(where.glob("*.parquet"))]
    return hash128("numbered comparisons 1", repr(facts))


def _write(dataset: ds.Dataset, where: Path, folder: Path) -> None:
    total = dataset.count_rows()
    if not total:
        raise InputError(f"{where.parent}: no comparisons to read; nothing can be trained or measured on them")
    write_numbered(_keys(dataset, where), total, folder, where)


def _opened(folder: Path) -> Comparisons:
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    held = {name: np.memmap(folder / f"{name}.bin", dtype, mode="r") for name, dtype in ARRAYS.items()}
    sides, rows = held["sides"], facts["rows"]
    groups = Groups(held["order"], held["starts"])
    return Comparisons(
        Ids(held["sides-ids"]), sides[:rows], sides[rows:], held["prompts"], digest=facts["digest"], groups=groups
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


def _keys(dataset: ds.Dataset, where: Path) -> Iterator[list[Keys]]:
    """The four columns as keys, part by part: file after file, since a scan of the whole reads ahead into memory."""
    files: Any = dataset  # pyarrow's stubs know it as any data set
    for path in files.files:
        parquet: Any = pq.ParquetFile(path)
        absent = set(COMPARISON_COLUMNS) - set(parquet.schema_arrow.names)
        if absent:
            raise InputError(f"{path}: no column {', '.join(sorted(absent))}")
        for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE, columns=COMPARISON_COLUMNS):
            for name in COMPARISON_COLUMNS:
                if batch.column(name).null_count:
                    raise InputError(f"{where}: {batch.column(name).null_count} rows have no {name}")
            yield [pack(batch.column(name), f"{where}, {name}") for name in COMPARISON_COLUMNS]
