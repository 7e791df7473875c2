"""Which kills are tried, and the jobs that are struck."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.plan import kills
from tests.faults.running import Jobs


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kill" in metafunc.fixturenames:
        metafunc.parametrize("kill", kills(metafunc.config.getoption("--faults")), ids=str)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is no kill ran with the few."""
    if config.getoption("--faults") == "rest":
        others = [item for item in items if "/faults/" in item.nodeid and "test_seeded_kills" not in item.nodeid]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture(scope="session")
def jobs() -> Iterator[Jobs]:
    running = Jobs()
    yield running
    running.stop()
