"""Find a Java 17 or 21 or install one. Standard library only."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from console import SetupError, run, say
from environment import ROOT, apt_install, clean_environment, install_into

sys.path.insert(0, str(ROOT / "lib"))  # the product's own rule for which Java will do; it needs nothing installed

from synpref.java import SUPPORTED, install_line, java_version

RECORD = ROOT / ".cache" / "java_home"  # the Makefile hands it on as JAVA_HOME
SYSTEM_FOLDER = Path("/usr/lib/jvm")
INSTALLER = ROOT / ".ci" / "jdk.lock"
PACKAGES = ("openjdk-17-jre-headless", "openjdk-21-jre-headless")  # Debian and Ubuntu releases carry one or both


def prepare(venv: Path) -> Path:
    """Return the home of a Java 17 or 21, installed here where there was none, and record it for the Makefile.

    venv: an environment that stands. Raises SetupError with the one line to type.
    """
    environment = clean_environment()
    home = _recorded() or find(environment) or install(environment, venv)
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(f"{home}\n", encoding="utf-8")
    return home


def find(environment: Mapping[str, str], system_folder: Path = SYSTEM_FOLDER) -> Path | None:
    """Return the first Java 17 or 21 of JAVA_HOME, PATH, the system's folder and ~/.jdk; None where none runs."""
    for home in _candidates(environment, system_folder):
        if java_version(home / "bin" / "java") in SUPPORTED:
            return home
    return None


def _recorded() -> Path | None:
    # Trusted while it exists: running every Java again would cost each make a second.
    home = Path(RECORD.read_text(encoding="utf-8").strip()) if RECORD.is_file() else None
    return home if home and (home / "bin" / "java").is_file() else None


def _candidates(environment: Mapping[str, str], system_folder: Path) -> Iterator[Path]:
    if environment.get("JAVA_HOME"):
        yield Path(environment["JAVA_HOME"])
    on_path = shutil.which("java", path=environment.get("PATH", os.defpath))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    yield from sorted({home.resolve() for home in system_folder.glob("*")})
    if environment.get("HOME"):
        yield from sorted((Path(environment["HOME"]) / ".jdk").glob("*"))


def install(environment: Mapping[str, str], venv: Path, system_folder: Path = SYSTEM_FOLDER) -> Path:
    """Install a Java by the first way that works and return its home. Raises SetupError with the one line to type.

    venv: whose uv installs, where it comes to that.
    """
    say("no Java 17 or 21 found (looked at JAVA_HOME, PATH, /usr/lib/jvm and ~/.jdk): installing one")
    for way in (partial(_with_apt, environment), partial(_with_install_jdk, environment, venv)):
        try:
            way()
        except (SetupError, OSError) as error:
            say(str(error))
        home = find(environment, system_folder)
        if home:
            say(f"Java stands in {home}")
            return home
    raise SetupError(f"Spark needs Java 17 or 21 and none could be installed. Type: {install_line()}")


def _with_apt(environment: Mapping[str, str]) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get", path=environment.get("PATH", os.defpath)):
        return
    for package in PACKAGES:
        try:
            apt_install(package, environment)
        except SetupError as error:
            say(str(error))
        else:
            return


def _with_install_jdk(environment: Mapping[str, str], venv: Path) -> None:
    tool = ROOT / ".cache" / "install-jdk"
    install_into(venv, tool, INSTALLER, "installing the package install-jdk")
    run(
        [sys.executable, "-c", "import jdk; print(jdk.install('17'))"], "downloading Java 17 to ~/.jdk",
        {**environment, "PYTHONPATH": str(tool)}, f"Type: {install_line()}",
    )  # fmt: skip
