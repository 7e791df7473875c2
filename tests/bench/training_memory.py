"""Memory of a process that reads so many comparisons and makes the first hundred steps of them.

usage: training_memory.py COMPARISONS...   (each is measured in a process of its own; prints MB above an idle one)
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synpref.reward.graph import Limits
from synpref.reward.ids import hexadecimal
from synpref.reward.rows import COMPARISON_COLUMNS, read_comparisons
from synpref.reward.steps import steps


def write_comparisons(folder: Path, count: int) -> None:
    """Comparisons of two responses that no other one has, with random ids, a file per 100,000."""
    (folder / "comparisons").mkdir(parents=True)
    random = np.random.default_rng(count)
    for part, start in enumerate(range(0, count, 100_000)):
        rows = min(100_000, count - start)
        digits = [hexadecimal(np.frombuffer(random.bytes(16 * rows), dtype="S16")) for _ in COMPARISON_COLUMNS]
        columns = [pa.array(column.view("S32").ravel().astype("U32")) for column in digits]
        pq.write_table(pa.table(columns, names=COMPARISON_COLUMNS), folder / "comparisons" / f"part-{part}.parquet")


def measure(folder: Path) -> None:
    """Print the peak in bytes that reading and the first steps add to a process."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = read_comparisons(folder)
    limits = Limits(64, 16_384, np.full(len(rows.response_ids), 50, dtype=np.int64))
    made = steps(rows, limits, 0, 256)
    for _ in range(100):
        next(made)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"{(after - before) * 1024}\n")


def main(words: list[str]) -> None:
    """Measure each number of comparisons."""
    if words[0] == "--in":
        measure(Path(words[1]))
        return
    for word in words:
        count = int(word)
        with tempfile.TemporaryDirectory() as folder:
            write_comparisons(Path(folder), count)
            asked = [sys.executable, __file__, "--in", folder]
            told = subprocess.run(asked, capture_output=True, text=True, check=True)
        taken = int(told.stdout.split()[-1])
        sys.stdout.write(f"{count:>10,} comparisons: {taken / 1e6:8.1f} MB, {taken / count:8.1f} bytes each\n")


if __name__ == "__main__":
    main(sys.argv[1:])
