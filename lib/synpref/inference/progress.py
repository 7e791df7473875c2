"""How far a fill is, told on the driver while the workers compute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS_BETWEEN = 2.0


@dataclass(frozen=True)
class Progress:
    """rows of rows_total are computed; the rate counts from the first finished rows on, so start-up is apart.

    rows_per_second and seconds_left are None until a rate is known.
    """

    table: str
    rows: int
    rows_total: int
    rows_per_second: float | None
    seconds_left: float | None


class Meter:
    """Turns counts of rows into Progress for a listener; a listener of None hears nothing."""

    def __init__(self, table: str, rows_total: int, listener: Callable[[Progress], None] | None) -> None:
        self._table = table
        self._rows_total = rows_total
        self._listener = listener
        self._first: tuple[float, int] | None = None
        self._told = 0

    def tell(self, rows: int) -> None:
        """Report `rows` in all; counts that do not grow are not repeated."""
        if self._listener is None or rows <= self._told:
            return
        now = time.monotonic()
        self._told = rows
        if self._first is None:
            self._first = (now, rows)
        since, at_first = self._first
        rate = (rows - at_first) / (now - since) if rows > at_first and now > since else None
        left = None if rate is None else (self._rows_total - rows) / rate
        self._listener(Progress(self._table, rows, self._rows_total, rate, left))

    @contextmanager
    def watching(self, folder: Path | None, before: int) -> Iterator[None]:
        """While the body runs, add the tasks' counts in `folder` (see answering) to `before` and tell them."""
        if folder is None or self._listener is None:
            yield
            return
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(folder, before, stop), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()

    def _watch(self, folder: Path, before: int, stop: threading.Event) -> None:
        while not stop.wait(SECONDS_BETWEEN):
            self.tell(before + rows_counted(folder))


def rows_counted(folder: Path) -> int:
    """The rows that the tasks of the shard in flight have finished, from their count files."""
    counts = [file.read_text() for file in folder.iterdir() if file.is_file()]
    return sum(int(count) for count in counts if count)
