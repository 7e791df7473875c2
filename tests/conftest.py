"""Which tests share a process, where several run at once (make test): those of a file, and all of e2e."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(TESTS)
        # The end-to-end tests share a run of the pipeline that takes minutes.
        group = place.parts[0] if place.parts[0] == "e2e" else str(place)
        item.add_marker(pytest.mark.xdist_group(group))
