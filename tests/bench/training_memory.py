"""Memory of a process that reads so many comparisons, finds their responses and makes the first hundred steps.

usage: training_memory.py COMPARISONS...   (each is measured in a process of its own;
prints MB of anonymous memory above an idle one, at most: mapped files are the system's to take back)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synpref.reward.graph import Limits
from synpref.reward.ids import hexadecimal, keys_of
from synpref.reward.places import PlaceIndex, Places
from synpref.reward.rows import COMPARISON_COLUMNS, read_comparisons
from synpref.reward.steps import steps

CHUNK = 30_000  # responses of a chunk of the feature store, about


def write_comparisons(folder: Path, count: int) -> None:
    """Comparisons of two responses that no other one has, with random ids, a file per 100,000."""
    (folder / "comparisons").mkdir(parents=True)
    random = np.random.default_rng(count)
    for part, start in enumerate(range(0, count, 100_000)):
        rows = min(100_000, count - start)
        digits = [hexadecimal(np.frombuffer(random.bytes(16 * rows), dtype="S16")) for _ in COMPARISON_COLUMNS]
        columns = [pa.array(column.view("S32").ravel().astype("U32")) for column in digits]
        pq.write_table(pa.table(columns, names=COMPARISON_COLUMNS), folder / "comparisons" / f"part-{part}.parquet")


class Watched:
    """Looks every 10 ms at how much anonymous memory this process has; `most`: bytes above what it had before."""

    def __enter__(self) -> Self:
        """Begin."""
        self._done, self.most, before = threading.Event(), 0, _anonymous()

        def look() -> None:
            while not self._done.wait(0.01):
                self.most = max(self.most, _anonymous() - before)

        self._thread = threading.Thread(target=look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._done.set()
        self._thread.join()


def _anonymous() -> int:
    told = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) * 1024 for line in told.splitlines() if line.startswith("RssAnon"))


def measure(folder: Path) -> None:
    """Print the peak in bytes that reading and the first steps add to a process."""
    with Watched() as memory:
        rows = read_comparisons(folder)
        keys, index = keys_of(rows.response_ids), PlaceIndex(folder)
        for chunk, start in enumerate(range(0, len(keys), CHUNK)):
            ones = np.ones(len(keys[start : start + CHUNK]), dtype=np.int32)
            index.add(
                np.array(keys[start : start + CHUNK]),
                Places(chunk * ones, 50 * np.arange(len(ones)), 50 * ones, ones > 1),
            )
        places = index.find(keys)
        usable = rows.only(places.usable(folder), folder)
        made = steps(usable, Limits(64, 16_384, places.length), 0, 256)
        for _ in range(100):
            next(made)
    sys.stdout.write(f"{memory.most}\n")


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
