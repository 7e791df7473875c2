"""What runs inside a Spark task: windows of rows through the engine of this worker process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from synpref.errors import EngineError, InputError
from synpref.inference import loaded
from synpref.inference.answered import stopped
from synpref.inference.placing import placed
from synpref.inference.prefetch import ahead
from synpref.inference.spec import EngineSpec
from synpref.inference.windows import WINDOW_ROWS, windows

Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def answering(spec: EngineSpec, count_folder: str | None = None) -> Batches:
    """A function for `mapInArrow`: the kind's input columns in, the kind's answer columns out.

    The engine is loaded at the first row, so an empty task loads nothing. Rows pass in windows of the option `window`
    rows (1,024), within which the engine sorts by length; the next window is read and tokenised while one computes. A
    task that has a GPU (see placing) runs its engine there, in a process of its own. count_folder: a folder on a disk
    that the driver sees, in which each task keeps the numbers of its finished rows and tokens for the driver's
    progress; None for no counts.

    Where the engine cannot go on (EngineError, InputError), the task ends with one row that says so (`stopped`): raised
    here, the error would have Spark try the task again, on a cluster three times, and ask for all its rows anew.
    """

    def answer(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        read, rows, tokens = windows(batches, spec.integer("window", WINDOW_ROWS)), 0, 0
        first = next(read, None)
        if first is None:
            return
        with placed(spec) as own:
            try:
                loaded.engine(own)  # in this thread, which computes: torch's threads are set for it
                with closing(ahead((each, loaded.prepare(own, each)) for each in chain([first], read))) as each_ready:
                    for window, ready in each_ready:
                        answers = loaded.answer(own, window, ready)
                        yield answers
                        rows += window.num_rows
                        tokens += int(pc.sum(answers.column("engine_tokens")).as_py() or 0)
                        if count_folder is not None:
                            _count(count_folder, rows, tokens)
            except (EngineError, InputError) as error:
                loaded.forget(own)
                yield stopped(spec, first, error)

    return answer


def _count(folder: str, rows: int, tokens: int) -> None:
    from pyspark import TaskContext

    task = TaskContext.get()
    name = "0" if task is None else str(task.partitionId())
    # Progress is for people: where the folder is no disk of this machine, the driver counts whole shards only.
    if Path(folder).is_dir():
        Path(folder, name).write_text(f"{rows} {tokens}")
