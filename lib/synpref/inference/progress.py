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
    """rows of rows_total are computed, for which `tokens` went through the model (see Passed; 0 where it tells none).

    Rates count from the first finished rows on, so start-up is apart; they and seconds_left are None until known.
    """

    table: str
    rows: int
    rows_total: int
    tokens: int
    rows_per_second: float | None
    tokens_per_second: float | None
    seconds_left: float | None


class Meter:
    """Turns counts into Progress for a listener; a listener of None hears nothing."""

    def __init__(self, table: str, rows_total: int, listener: Callable[[Progress], None] | None) -> None:
        self._table = table
        self._rows_total = rows_total
        self._listener = listener
        self._first: tuple[float, int, int] | None = None
        self._told = 0

    def tell(self, rows: int, tokens: int = 0) -> None:
        """Report what is done in all; counts of rows that do not grow are not repeated."""
        if self._listener is None or rows <= self._told:
            return
        now = time.monotonic()
        self._told = rows
        if self._first is None:
            self._first = (now, rows, tokens)
        since, rows_first, tokens_first = self._first
        rate = tokens_rate = left = None
        if rows > rows_first and now > since:
            rate, tokens_rate = (rows - rows_first) / (now - since), (tokens - tokens_first) / (now - since)
            left = (self._rows_total - rows) / rate
        self._listener(Progress(self._table, rows, self._rows_total, tokens, rate, tokens_rate, left))

    @contextmanager
    def watching(self, folder: Path | None, rows: int, tokens: int) -> Iterator[None]:
        """While the body runs, add the tasks' counts in `folder` (see answering) to what is done, and tell them."""
        if folder is None or self._listener is None:
            yield
            return
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(folder, rows, tokens, stop), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()

    def _watch(self, folder: Path, rows: int, tokens: int, stop: threading.Event) -> None:
        while not stop.wait(SECONDS_BETWEEN):
            more_rows, more_tokens = counted(folder)
            self.tell(rows + more_rows, tokens + more_tokens)


def counted(folder: Path) -> tuple[int, int]:
    """(rows, tokens) that the tasks of the shard in flight have finished, from their count files."""
    counts = [file.read_text().split() for file in folder.iterdir() if file.is_file()]
    whole = [count for count in counts if len(count) == 2]  # a file that is being written is shorter
    return sum(int(rows) for rows, _ in whole), sum(int(tokens) for _, tokens in whole)
