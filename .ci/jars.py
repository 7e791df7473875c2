"""Fetch the Delta jars once, so that the first real session does not look hung. Standard library only."""

from __future__ import annotations

import re
from pathlib import Path

from console import run, say
from environment import ROOT, clean_environment, python_of

STAMP = ".synpref-jars"
ADVICE = "Check that Maven Central or your mirror of it can be reached, then run the same command again."


def prepare(venv: Path, java_home: Path, lock: Path) -> None:
    """Open and close one session, whose jars then lie in the local Ivy cache. Raises SetupError with what to do."""
    stamp = versions(lock.read_text(encoding="utf-8"))
    path = venv / STAMP
    if path.is_file() and path.read_text(encoding="utf-8") == stamp:
        return
    say(f"fetching the Delta jars for {stamp}")
    run(
        [python_of(venv), ROOT / ".ci" / "open_session.py"],
        "fetching the Delta jars", {**clean_environment(), "JAVA_HOME": str(java_home)}, ADVICE,
    )  # fmt: skip
    path.write_text(stamp, encoding="utf-8")


def versions(lock: str) -> str:
    """The locked versions that decide which jars are needed: "delta-spark==4.4.0 pyspark==4.2.0"."""
    return " ".join(re.findall(r"^(?:delta-spark|pyspark)==[^\s;\\]+", lock, flags=re.MULTILINE))
