"""What the JVM writes on standard error: the forty lines of Ivy's bookkeeping at every start are left out."""

from __future__ import annotations

import atexit
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Downloads, warnings and errors of Ivy stay: they are what a person waits for, or must know.
_IVY = re.compile(
    rb"\s*(:: (loading settings|resolving dependencies|resolution report|retrieving|modules in use|evicted modules)"
    rb"|Ivy Default Cache set to|The jars for the packages stored in|confs: \[|found \S+#|\S+#\S+;\S+ (from|by) "
    rb"|\S+#\S+ added as a dependency|-{20,}|\|.*\||\d+ artifacts copied|WARNING: Using incubator modules"
    rb"|:: problems summary ::|$)"
)


def is_bookkeeping(line: bytes) -> bool:
    """Tell whether a line (with or without its end) says nothing but that all is as always."""
    return _IVY.match(line) is not None


@contextmanager
def quiet_start() -> Iterator[None]:
    """Let processes started inside write to standard error without Ivy's bookkeeping, for as long as they live."""
    error = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    thread = threading.Thread(target=_forward, args=(reading, os.dup(error)), name="jvm-output", daemon=True)
    thread.start()
    # What the JVM says last, of its own end or because it never came up, must not be lost with this process.
    atexit.register(thread.join, 1.0)
    try:
        yield
    finally:
        os.dup2(error, 2)
        os.close(error)


def _forward(reading: int, error: int) -> None:
    with os.fdopen(reading, "rb") as lines:
        for line in lines:
            if not is_bookkeeping(line):
                os.write(error, line)
    os.close(error)
