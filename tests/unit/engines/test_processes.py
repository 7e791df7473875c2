from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from synpref.engines.processes import Process, facts_of


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as made:
        yield made
        made.kill()


@pytest.fixture(params=["the kernel tells", "the kernel is asked again and again"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(pid: int) -> int:
        raise OSError("Function not implemented")

    if request.param != "the kernel tells":
        monkeypatch.setattr(os, "pidfd_open", missing)


def test_facts_of_a_process_are_those_of_the_kernel(child: subprocess.Popen[bytes]) -> None:
    facts = facts_of(child.pid)
    assert (facts.name, facts.parent) == ("sleep", os.getpid())
    with pytest.raises(OSError, match="No such"):
        facts_of(2**22 + 1)


@pytest.mark.usefixtures("_both_ways")
def test_a_process_is_waited_for_until_it_ends(child: subprocess.Popen[bytes]) -> None:
    process = Process.of(child.pid)
    assert process.runs()
    assert not process.wait(0.1)
    child.kill()
    assert process.wait(30)
    assert not process.runs()  # though nobody has asked after it yet
    child.wait()
    assert process.wait()


@pytest.mark.usefixtures("_both_ways")
def test_another_process_of_the_same_number_is_not_waited_for() -> None:
    earlier = Process(os.getpid(), Process.of(os.getpid()).started - 1)
    assert not earlier.runs()
    assert earlier.wait()
