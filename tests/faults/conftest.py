"""How many seeds are tried, and one session to look at what they left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from synpref.spark import open_session
from tests.faults.running import Jobs


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault_seed" in metafunc.fixturenames:
        metafunc.parametrize("fault_seed", range(metafunc.config.getoption("--fault-seeds")))


@pytest.fixture(scope="session")
def jobs() -> Iterator[Jobs]:
    running = Jobs()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = open_session(app_name="tests", master="local[2]", driver_memory="2g", extra={})
    session.sparkContext.addPyFile(str(Path(__file__).parent / "slow_engine.py"))
    yield session
    session.stop()
