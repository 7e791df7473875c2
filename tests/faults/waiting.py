"""Waiting for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 300.0


def wait_for(ready: Callable[[], bool], what: str) -> None:
    """Return once it is so. Raises TimeoutError."""
    deadline = time.monotonic() + SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {SECONDS:.0f} s")
        time.sleep(0.005)
