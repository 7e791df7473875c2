from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from synpref import memory
from synpref.memory import PeakMemory, peak_memory, watched

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
    one, own = 1_000_000, os.getpid()  # units of 1,024 bytes, as /proc counts
    table = {own: (7, "python3", one), 7: (1, "java", 2 * one), 8: (own, "python3", 3 * one), 9: (1, "java", 9 * one)}
    monkeypatch.setattr(memory, "_processes", lambda: table)
    found = peak_memory()
    assert found.driver == pytest.approx(3.072)
    assert found.worker == pytest.approx(3.072)


def test_a_worker_that_ended_before_the_last_look_counts() -> None:
    script = "held = bytearray(200 << 20); held[::4096] = b'x' * len(held[::4096]); print('ready', flush=True); input()"
    with watched(seconds=0.05) as watch:
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            watch.look()
            child.communicate(b"\n")
        worker = watch.look().worker
    assert worker is not None
    assert worker > 0.2


def test_while_a_stage_runs_the_watch_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Event()

    def peak() -> PeakMemory:
        looked.set()
        return PeakMemory(2.0, None)

    monkeypatch.setattr(memory, "peak_memory", peak)
    with watched(seconds=0.01) as watch:
        assert looked.wait(60)
        monkeypatch.setattr(memory, "peak_memory", lambda: PeakMemory(1.0, None))
    assert watch.look() == PeakMemory(2.0, None)
