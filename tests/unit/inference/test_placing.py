from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from synpref.inference import loaded
from synpref.inference.placing import free_gpu, placed
from synpref.inference.spec import EngineSpec
from tests.unit.inference.test_engine_process import _ended, _pids, _spec, _window, engines

__all__ = ["engines"]  # the fixture


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


def test_what_computes_elsewhere_takes_no_gpu() -> None:
    for spec in (
        EngineSpec.of("replay-judge", "r", "/recorded", gpus="4"),
        EngineSpec.of("reward", "s", "/model", backend="http", gpus="4"),
        EngineSpec.of("embedder", "e", "/model"),
    ):
        with placed(spec) as own:
            assert own == spec
