"""What comes next is made while the present is worked on, and no more than that."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")

_SECONDS = 0.1  # how soon the reader notices that nobody wants more


def ahead(items: Iterable[Item], most: int = 1) -> Generator[Item]:
    """The same items in the same order; a thread makes up to `most` (at least 1) more than were asked for.

    So beside the item that is worked on at most `most` others are held. An error of `items` is raised where its item
    would have come. When the iteration is left early, the thread ends behind the item that it is making.
    """
    waiting: queue.Queue[tuple[Item] | BaseException | None] = queue.Queue()  # None: the end
    room = threading.Semaphore(most)
    stop = threading.Event()

    def wanted() -> bool:
        while not stop.is_set():
            if room.acquire(timeout=_SECONDS):
                return True
        return False

    def make() -> None:
        try:
            each = iter(items)
            while wanted():
                waiting.put((next(each),))
        except StopIteration:
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)

    threading.Thread(target=make, name="synpref prefetch", daemon=True).start()
    try:
        while True:
            value = waiting.get()
            if isinstance(value, BaseException):
                raise value
            if value is None:
                return
            room.release()
            yield value[0]
    finally:
        stop.set()
