"""Which code this is: the commit of its checkout, else the version of the package."""

from __future__ import annotations

import subprocess
from pathlib import Path

from synpref import __version__


def git_commit() -> str | None:
    """Commit of the checkout that this code lies in, with "+" where files differ; None outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        _git(here, "ls-files", "--error-unmatch", Path(__file__).name)  # installed below somebody's own checkout
        head = _git(here, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def code_version() -> str:
    """The commit, else `synpref <version>`."""
    return git_commit() or f"synpref {__version__}"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)  # noqa: S607 - git of the PATH
    return done.stdout.strip()
