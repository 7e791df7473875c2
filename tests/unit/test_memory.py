from __future__ import annotations

import os
import subprocess
import sys

import pytest

from synpref import memory
from synpref.memory import PeakMemory, peak_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")


def test_the_driver_s_peak_grows_with_what_it_held() -> None:
    before = peak_memory().driver
    held = bytearray(300 * 1024 * 1024)
    held[::4096] = b"x" * len(held[::4096])
    after = peak_memory().driver
    assert before is not None
    assert after is not None
    assert after > before or after > 0.3


def test_the_largest_python_child_is_the_worker() -> None:
    script = "held = bytearray(200 << 20); held[::4096] = b'x' * len(held[::4096]); print('ready', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        worker = peak_memory().worker
        child.communicate(b"\n")
    assert worker is not None
    assert worker > 0.19


def test_the_highest_of_two_ignores_what_could_not_be_seen() -> None:
    assert PeakMemory(1.0, None).highest(PeakMemory(0.5, 2.0)) == PeakMemory(1.0, 2.0)
    assert PeakMemory(None, None).highest(PeakMemory(None, None)) == PeakMemory(None, None)


def test_under_spark_submit_the_jvm_is_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    gib, own = 1024 * 1024, os.getpid()
    table = {own: (7, "python3", gib), 7: (1, "java", 2 * gib), 8: (own, "python3", 3 * gib), 9: (1, "java", 9 * gib)}
    monkeypatch.setattr(memory, "_processes", lambda: table)
    assert peak_memory() == PeakMemory(driver=3.0, worker=3.0)
