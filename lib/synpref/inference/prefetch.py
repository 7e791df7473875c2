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
    waiting: queue.Queue[list[Item] | BaseException] = queue.Queue(most)  # no item: the end
    stop = threading.Event()

    def put(value: list[Item] | BaseException) -> bool:
        while not stop.is_set():
            try:
                waiting.put(value, timeout=_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for item in items:
                if not put([item]):
                    return
            put([])
        except BaseException as error:
            put(error)

    threading.Thread(target=read, name="synpref prefetch", daemon=True).start()
    try:
        while True:
            value = waiting.get()
            if isinstance(value, BaseException):
                raise value
            if not value:
                return
            yield value[0]
    finally:
        stop.set()
