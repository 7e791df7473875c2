"""What the set-up says, and commands that never fall silent. Standard library only: nothing is installed yet."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

QUIET_SECONDS = 20.0  # a long step says every so often that it is alive


class SetupError(Exception):
    """The set-up cannot go on; the message ends with what to do."""


def say(text: str) -> None:
    """Tell a person what the set-up is doing."""
    sys.stderr.write(f"[set-up] {text}\n")
    sys.stderr.flush()


def run(words: Sequence[str | Path], doing: str, environment: Mapping[str, str], advice: str) -> None:
    """Run a command with its output shown and a sign of life while it takes long.

    Raises SetupError with `advice` where it fails or does not start.
    """
    done = threading.Event()
    watch = threading.Thread(target=_beat, args=(doing, done), daemon=True)
    watch.start()
    try:
        started = subprocess.run(
            [str(word) for word in words], env=dict(environment), stdin=subprocess.DEVNULL, check=False
        )
    except OSError as error:
        raise SetupError(f"{doing}: {error}. {advice}") from None
    finally:
        done.set()
        watch.join()
    if started.returncode != 0:
        raise SetupError(f"{doing}: failed with exit code {started.returncode} (its message stands above). {advice}")


def _beat(doing: str, done: threading.Event) -> None:
    start = time.monotonic()
    while not done.wait(QUIET_SECONDS):
        say(f"still {doing}, {time.monotonic() - start:.0f} s")
