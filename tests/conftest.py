"""Which tests share a process, where several run at once (make test): those of a file, most of e2e, all of faults."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling

from tests.faults.plan import choices

TOGETHER = ("tests/e2e/", "tests/faults/")  # each shares what takes minutes to start
APART = ("tests/e2e/test_files_pipeline.py", "tests/e2e/test_train_and_evaluate.py")  # these share nothing of it


class SharedFixtures(LoadFileScheduling):
    # The mark xdist_group says the same in fewer words, but does nothing under pytest 9.2 (pytest-xdist issue 1386).
    def _split_scope(self, nodeid: str) -> str:
        of_tier = None if nodeid.startswith(APART) else next(filter(nodeid.startswith, TOGETHER), None)
        return of_tier or super()._split_scope(nodeid)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=choices(), default="few", help="which kills tests/faults tries (its plan.py)")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    if config.getvalue("dist") != "loadfile":
        return None  # make faults: each kill stands by itself
    config.option.loadscopereorder = False  # in the order of the command line, not the file with most tests first
    return SharedFixtures(config, log)
