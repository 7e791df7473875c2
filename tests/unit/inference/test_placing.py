from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from synpref.errors import InputError
from synpref.inference import loaded
from synpref.inference.placing import free_gpu, placed
from synpref.inference.spec import EngineSpec
from synpref.inference.udfs import embed
from tests.unit.inference.test_engine_process import _ended, _pids, _spec, _window, engines

__all__ = ["engines"]  # the fixture
MINILM = Path(__file__).resolve().parents[3] / ".cache/models/all-minilm-l6-v2"


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_gpu_has_one_holder_and_the_next_waits_for_it() -> None:
    taken: list[str] = []

    def take() -> None:
        with free_gpu(["a", "b"]) as gpu:
            taken.append(gpu)

    with free_gpu(["a", "b"]) as first:
        with free_gpu(["a", "b"]) as second:
            assert (first, second) == ("a", "b")
            waiting = threading.Thread(target=take)
            waiting.start()
            waiting.join(0.5)
            assert taken == []
        waiting.join(10)
        assert taken == ["b"]


def test_a_holder_that_is_killed_lets_go() -> None:
    script = (
        "import sys, tempfile, time; tempfile.tempdir = sys.argv[1]\n"
        "from synpref.inference.placing import free_gpu\n"
        "with free_gpu(['a']):\n print('held', flush=True); time.sleep(600)\n"
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", script, tempfile.gettempdir()], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(root / "lib")},
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with free_gpu(["a", "b"]) as gpu:
            assert gpu == "b"
        holder.kill()
    with free_gpu(["a", "b"]) as gpu:
        assert gpu == "a"


def test_an_engine_on_a_named_gpu_ends_with_its_task(engines: Path) -> None:
    with free_gpu(["4", "5"]) as other, placed(_spec(gpus="4,5")) as own:
        assert other == "4"
        answers = loaded.answer(own, _window("a"))
        assert answers.column("reward").to_pylist() == [5.0]
        (pid,) = _pids(answers)
        assert pid != os.getpid()
        assert not _ended(pid)
    assert _ended(pid)


def test_a_task_that_fails_lets_go_of_its_gpu_and_ends_its_engine(engines: Path) -> None:
    def fails() -> None:
        with placed(_spec(gpus="4")) as own:
            pids.extend(_pids(loaded.answer(own, _window("a"))))
            raise ValueError("the task fails")

    pids: list[int] = []
    with pytest.raises(ValueError, match="the task fails"):
        fails()
    assert _ended(pids[0])
    with free_gpu(["4"]) as gpu:
        assert gpu == "4"


def test_a_gpu_that_is_not_there_is_told_and_no_processor_takes_its_place() -> None:
    with pytest.raises(InputError, match=r"torch sees no GPU 63 on this machine; see spark\.gpus"):
        loaded.engine(EngineSpec.of("reward", "r", "/model", dtype="float32", gpu="63"))


@pytest.mark.skipif(not MINILM.is_dir(), reason="the small model is absent: run `make setup`")
def test_a_udf_takes_no_named_gpu() -> None:
    with pytest.raises(InputError, match="a UDF takes the GPU that Spark gives its task"):
        embed(EngineSpec.of("embedder", "e", str(MINILM), dtype="float32", gpus="0"))


def test_what_computes_elsewhere_takes_no_gpu() -> None:
    for spec in (
        EngineSpec.of("replay-judge", "r", "/recorded", gpus="4"),
        EngineSpec.of("reward", "s", "/model", backend="http", gpus="4"),
        EngineSpec.of("embedder", "o", "/model", backend="openvino", gpus="4"),
        EngineSpec.of("reward", "c", "/model", device="cpu", gpus="4"),
        EngineSpec.of("embedder", "e", "/model"),
    ):
        with placed(spec) as own:
            assert own == spec
