"""What comes next is read while the present is worked on, and no more than that."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")

_SECONDS = 0.1  # how soon the reader notices that nobody wants more


def ahead(items: Iterable[Item], most: int = 1) -> Generator[Item]:
    """The same items in the same order; a thread takes up to `most` (at least 1) more than were asked for.

    An error of `items` is raised where its item would have come. When the iteration is left early, the thread takes at
    most one item more and ends.
    """
    waiting: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(most)
    stop = threading.Event()

    def put(good: bool, value: Item | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                waiting.put((good, value), timeout=_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for item in items:
                if not put(True, item):
                    return
            put(False, None)
        except BaseException as error:
            put(False, error)

    threading.Thread(target=read, name="synpref prefetch", daemon=True).start()
    try:
        while True:
            good, value = waiting.get()
            if good:
                yield value  # type: ignore[misc]  # a good value is an item
            elif isinstance(value, BaseException):
                raise value
            else:
                return
    finally:
        stop.set()
