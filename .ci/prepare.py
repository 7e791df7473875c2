"""Everything that `make` needs before it does its work. The second call finds it all in place and says nothing.

usage: prepare.py [environment | all | oldest | vllm]
  environment  the virtual environment .venv with the locked versions
  all          that, a Java, the Delta jars and the two small models (default)
  oldest       .venv-oldest with the oldest supported Spark and Delta, a Java, its Delta jars and the two small models
  vllm         .venv-vllm with vLLM for the CPU, and no Spark
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import environment
import jars
import java_home
import models
from console import SetupError, say
from environment import ROOT

LOCKS = {
    "environment": (ROOT / ".venv", ROOT / "requirements.lock"),
    "all": (ROOT / ".venv", ROOT / "requirements.lock"),
    "oldest": (ROOT / ".venv-oldest", ROOT / "requirements-oldest.lock"),
    "vllm": (ROOT / ".venv-vllm", ROOT / "requirements-vllm.lock"),
}
WITH_SPARK = {"all", "oldest"}


def main(words: list[str]) -> int:
    """Prepare what the one word names; returns the exit code."""
    wanted = words[0] if words else "all"
    if wanted not in LOCKS:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        with _alone():
            prepare(wanted)
    except (SetupError, OSError) as error:
        say(f"FAILED: {error}")
        return 1
    return 0


def prepare(wanted: str) -> None:
    """Run the steps of one kind of set-up in order. Raises SetupError with what to do."""
    venv, lock = LOCKS[wanted]
    made = environment.prepare(venv, lock)
    if wanted in WITH_SPARK:
        jars.prepare(venv, java_home.prepare(venv), lock)
        models.prepare(venv)
    if made:
        say("done")


@contextmanager
def _alone() -> Iterator[None]:
    """Wait while another set-up works in this checkout."""
    folder = ROOT / ".cache"
    folder.mkdir(exist_ok=True)
    with (folder / "set-up.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up in this folder to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
