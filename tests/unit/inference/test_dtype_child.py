"""The measurement of number formats leaves the worker's own process alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from synpref.errors import EngineError
from synpref.inference.dtype import dtype_of_child

IN_A_WORKER = """
import sys
from synpref.inference.dtype import dtype_of_child
print(dtype_of_child("cpu"), "torch" in sys.modules)
"""


def test_a_worker_learns_the_dtype_and_never_loads_torch() -> None:
    told = subprocess.run([sys.executable, "-c", IN_A_WORKER], capture_output=True, text=True, check=True)
    found, torch_loaded = told.stdout.split()
    assert found in {"float32", "bfloat16"}
    assert torch_loaded == "False"


def test_the_child_sees_the_gpu_of_its_task_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    ended: list[str] = []

    def run(command: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        seen.append(env.get("CUDA_VISIBLE_DEVICES"))
        return subprocess.CompletedProcess(command, 0, "a library prints\nbfloat16\n", "")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("synpref.inference.dtype.end_idle_engines", ended.append)
    assert dtype_of_child(None, "3") == dtype_of_child() == "bfloat16"
    assert seen == ["3", None]
    assert ended == ["3"]  # an engine that waits there would leave it no memory


def test_a_measurement_that_fails_says_why() -> None:
    with pytest.raises(EngineError, match=r"could not be measured: .*no-such-device.*Give the engine's option dtype"):
        dtype_of_child("no-such-device")
