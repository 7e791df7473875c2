"""The measurement of number formats leaves the worker's own process alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from synpref.errors import EngineError
from synpref.inference import dtype
from synpref.inference.answering import Batches
from synpref.inference.dtype import dtype_of_child, measured_dtype
from synpref.inference.spec import EngineSpec

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


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({}, (None, None, "a GPU")),
        ({"gpus": "5", "device": "cuda"}, ("cuda", "5", "a GPU")),
        ({"gpus": "5", "backend": "openvino"}, ("cpu", None, None)),
        ({"gpus": "5", "device": "cpu"}, ("cpu", None, None)),
    ],
)
def test_an_engine_of_processors_is_measured_on_one_and_takes_no_gpu(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, str], place: tuple[str | None, str | None, str | None]
) -> None:
    found: list[tuple[str | None, str | None, str | None]] = []
    named: list[str | None] = []

    @contextmanager
    def task_gpu(gpus: str | None) -> Iterator[None]:
        named.append(gpus)
        yield

    def map_in_arrow(measure: Batches, _schema: str, profile: str | None) -> Any:
        def child(device: str | None, _gpu: str | None) -> str:
            found.append((device, named[-1], profile))
            return "float32"

        monkeypatch.setattr(dtype, "dtype_of_child", child)
        (answer,) = measure([pa.RecordBatch.from_pydict({"id": [0]})])
        return SimpleNamespace(first=lambda: answer.to_pylist()[0])

    monkeypatch.setattr(dtype, "task_gpu", task_gpu)
    monkeypatch.setattr(dtype, "task_profile", lambda _: "a GPU")
    spark: Any = SimpleNamespace(range=lambda *_: SimpleNamespace(mapInArrow=map_in_arrow))
    assert measured_dtype(spark, EngineSpec.of("embedder", "mine", "folder", **options)) == "float32"
    assert found == [place]
