"""Processes of this machine as Linux shows them: told from a later one of the same number, and waited for."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.2  # seconds between two looks, where the kernel cannot be asked to tell


@dataclass(frozen=True)
class Facts:
    """What the kernel says of a process (man proc): the name of its program, its state, its parent, when it started."""

    name: str
    state: str
    parent: int
    started: int


def facts_of(pid: int) -> Facts:
    """Raises OSError where there is no such process, or no Linux."""
    head, _, tail = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    words = tail.split()
    return Facts(head.partition("(")[2], words[0], int(words[1]), int(words[19]))


@dataclass(frozen=True)
class Process:
    """A process that runs or ran. started: in ticks since the machine's start, which tells it from a later one of its
    number.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this number now. Raises OSError as facts_of."""
        return cls(pid, facts_of(pid).started)

    def runs(self) -> bool:
        """Whether it does. One that ended and that nobody has asked after yet does not."""
        with suppress(OSError):
            facts = facts_of(self.pid)
            return facts.state != "Z" and facts.started == self.started
        return False

    def wait(self, seconds: float | None = None) -> bool:
        """Return True once it has ended, however it did; False where it still runs after so many seconds."""
        try:
            file = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        except (AttributeError, OSError):  # a kernel before 5.3
            return self._polled(seconds)
        try:
            with suppress(OSError):
                if facts_of(self.pid).started != self.started:
                    return True
            # Not whether it runs: the first thread may have ended while others still hold memory and files
            ends = select.poll()
            ends.register(file, select.POLLIN)
            return bool(ends.poll(None if seconds is None else 1000 * seconds))
        finally:
            os.close(file)

    def _polled(self, seconds: float | None) -> bool:
        since = time.monotonic()
        while self.runs():
            if seconds is not None and time.monotonic() - since > seconds:
                return False
            time.sleep(_POLL)
        return True
