"""The built wheel, installed apart from the checkout, and a cluster that has nothing else."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synpref.java import find_java_home
from synpref.spark import open_session
from tests.e2e.cluster import Cluster, standalone_cluster
from tests.e2e.pipelines import SmallRun, stop

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


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A small pipeline in a folder with a space in its name, killed in the middle of Stage 1, then run to its end.

    killed.json holds the version of every table when it was killed, first.json the summary of the run that ended.
    """
    run = SmallRun(tmp_path_factory.mktemp("a pipeline"))
    process = run.start()
    try:
        while run.commits("verdicts") < 3 and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, run.log[-4000:]
    finally:  # also where the test's time ran out
        if process.poll() is None:
            stop(process, signal.SIGKILL)
    tables = {path.name: run.commits(path.name) - 1 for path in (run.run / "warehouse").iterdir()}
    (run.folder / "killed.json").write_text(json.dumps({name: last for name, last in tables.items() if last >= 0}))
    (run.folder / "first.json").write_text(json.dumps(run.finish()))
    return run


@pytest.fixture(scope="session")
def local_spark() -> Iterator[SparkSession]:
    """A session to look at tables in."""
    session = open_session(app_name="tests", master="local[2]", driver_memory="2g", extra={})
    yield session
    session.stop()


def _python_module(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
