"""Which commit a run says that it ran."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from synpref import code_version


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def test_code_installed_below_somebody_s_checkout_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / ".venv" / "code_version.py"
    installed.parent.mkdir()
    installed.write_text("")
    _git(tmp_path, "init")
    _git(tmp_path, "commit", "--allow-empty", "-m", "theirs")
    monkeypatch.setattr(code_version, "__file__", str(installed))
    assert code_version.git_commit() is None
    _git(tmp_path, "add", "-f", str(installed))
    _git(tmp_path, "commit", "-m", "ours")
    assert code_version.git_commit() is not None
