"""The built wheel, installed apart from the checkout, and a cluster that has nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from synpref.java import find_java_home
from tests.e2e.cluster import Cluster, standalone_cluster

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("lib", "jobs", "conf", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources so that nothing is left in the checkout."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    words = ["build", "--wheel", "--no-isolation", "--outdir", str(copy / "dist"), str(copy)]
    _python_module(words)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's content and nothing else, to put on PYTHONPATH."""
    target = tmp_path_factory.mktemp("installed here")
    _python_module(["pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel)])
    return target


@pytest.fixture(scope="session")
def cluster(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Spark standalone: a master and two workers."""
    with standalone_cluster(tmp_path_factory.mktemp("cluster"), installed, find_java_home()) as running:
        yield running


def _python_module(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
