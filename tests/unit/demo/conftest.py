"""One generated pool of the demo's size for the tests that look at shares."""

from __future__ import annotations

import pytest

from synpref.demo.files import PROMPTS, TEST_PROMPTS
from synpref.demo.pool import Pool, generate

SEED = 20250701


@pytest.fixture(scope="session")
def made() -> Pool:
    return generate(SEED, PROMPTS, TEST_PROMPTS)
