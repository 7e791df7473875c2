"""What runs inside a Spark task: windows of rows through the engine of this worker process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from synpref.inference import loaded
from synpref.inference.kinds import kind_of
from synpref.inference.spec import EngineSpec
from synpref.inference.windows import WINDOW_ROWS, windows

Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def answering(spec: EngineSpec, count_folder: str | None = None) -> Batches:
    """A function for `mapInArrow`: the kind's input columns in, the kind's answer columns out.

    The engine is loaded at the first row, so an empty task loads nothing. Rows pass in windows of the option `window`
    rows (1,024), within which the engine sorts by length. count_folder: a folder on a disk that the driver sees too;
    each task keeps its number of finished rows there for the driver's progress; None for no counts.
    """

    def answer(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        kind = kind_of(spec)
        done = 0
        for window in windows(batches, spec.integer("window", WINDOW_ROWS)):
            yield kind.answer(loaded.engine(spec), window, spec)
            done += window.num_rows
            if count_folder is not None:
                _count(count_folder, done)

    return answer


def _count(folder: str, rows: int) -> None:
    from pyspark import TaskContext

    task = TaskContext.get()
    name = "0" if task is None else str(task.partitionId())
    # Progress is for people: where the folder is no disk of this machine, the driver counts whole shards only.
    if Path(folder).is_dir():
        Path(folder, name).write_text(str(rows))
