"""Which Java the laptop session runs on: Spark 4 needs 17 or 21, and says little that helps when it finds none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from synpref.errors import InputError

SUPPORTED = (17, 21)
# Where Linux distributions and macOS put what they install, beside ~/.jdk, where `install-jdk` does.
SYSTEM_FOLDERS = (Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines"))


def find_java_home() -> Path:
    """Return the home of the first Java 17 or 21 among JAVA_HOME, PATH, ~/.jdk and the system's folders.

    Raises InputError with the one line to type where there is none.
    """
    found: list[str] = []
    for where, home in _candidates():
        version = java_version(home / "bin" / "java")
        if version in SUPPORTED:
            return home
        found.append(f"{where} is {'no Java' if version is None else f'Java {version}'}")
    seen = "; ".join(found) or _nothing_found()
    raise InputError(f"Spark needs Java 17 or 21, and found none ({seen}). Type: {install_line()}")


def java_version(java: Path) -> int | None:
    """Return the major version that `java -version` prints, or None where it does not run."""
    try:
        output = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=True, timeout=60).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(output)


def parse_version(output: str) -> int | None:
    """Return the major version in the output of `java -version`: 17 of "17.0.15", 8 of "1.8.0_402", else None."""
    match = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(match.group(1)) if match else None


def install_line() -> str:
    """Return one shell line that installs a Java here."""
    if shutil.which("apt-get"):
        return "sudo apt-get install -y openjdk-17-jdk-headless"
    return "python -m pip install install-jdk && python -c \"import jdk; print(jdk.install('17'))\""


def _candidates() -> Iterator[tuple[str, Path]]:
    if os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path:
        yield "java on PATH", Path(on_path).resolve().parent.parent
    # A system's folder holds links beside what they point to.
    for home in dict.fromkeys(found.resolve() for folder in _folders() for found in sorted(folder.glob("*"))):
        # A macOS bundle keeps its home two levels down.
        bundle = home / "Contents" / "Home"
        installed = bundle if bundle.is_dir() else home
        if (installed / "bin" / "java").is_file():
            yield str(installed), installed


def _folders() -> tuple[Path, ...]:
    return (Path.home() / ".jdk", *SYSTEM_FOLDERS)


def _nothing_found() -> str:
    return f"JAVA_HOME is not set, no java is on PATH, none lies in {', '.join(map(str, _folders()))}"
