from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def in_checkout(folder: str, pattern: str) -> set[str]:
    found = (path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob(pattern))
    return {str(path) for path in found if "__pycache__" not in path.parts}


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_the_library_the_jobs_and_the_settings_as_one_package(wheel: Path) -> None:
    wanted = {f"synpref/jobs/{name}" for name in in_checkout("jobs", "*.py")}
    wanted |= in_checkout("lib", "*.py") | {"synpref/py.typed"}
    for kind in ("*.yaml", "*.jinja", "*.sql"):
        wanted |= {f"synpref/conf/{name}" for name in in_checkout("conf", kind)}
    assert wanted - names(wheel) == set()


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    assert {name.split("/")[0] for name in names(wheel)} <= {"synpref", wheel.name.split("-py3")[0] + ".dist-info"}


def test_the_installed_command_works_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    script = "import synpref.cli, synpref.config; print(synpref.cli.__file__, synpref.config.conf_file('demo.yaml'))"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split(".py ") == [f"{installed}/synpref/cli", f"{installed}/synpref/conf/demo.yaml\n"]


def test_the_licence_travels_with_the_wheel(wheel: Path) -> None:
    assert any(name.endswith("/licenses/LICENSE") for name in names(wheel))
