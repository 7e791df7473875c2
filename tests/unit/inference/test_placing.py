from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from synpref.engines.tenancy import end_idle_engines, gpu_lock, locked
from synpref.errors import InputError
from synpref.inference import loaded, placing
from synpref.inference.engine_process import EngineProcess
from synpref.inference.placing import free_gpu, placed, visible_gpus
from synpref.inference.spec import EngineSpec
from synpref.inference.udfs import embed
from tests.unit.inference.test_engine_process import _ended, _pids, _runs, _spec, _window, engines

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


def test_an_engine_stays_for_its_workers_next_task_on_that_gpu(engines: Path) -> None:
    with free_gpu(["4"]), placed(_spec(gpus="4,5")) as own:
        answers = loaded.answer(own, _window("a"))
        assert answers.column("reward").to_pylist() == [5.0]
        (pid,) = _pids(answers)
        assert pid != os.getpid()
    with placed(_spec(gpus="4,5")) as own:  # both are free; the second has its engine
        assert _pids(loaded.answer(own, _window("b"))) == [pid]
    assert _runs(pid)


def test_a_task_that_fails_lets_go_of_its_gpu(engines: Path) -> None:
    def fails() -> None:
        with placed(_spec(gpus="4")):
            raise ValueError("the task fails")

    with pytest.raises(ValueError, match="the task fails"):
        fails()
    with free_gpu(["4"]) as gpu:
        assert gpu == "4"


WORKER = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from synpref.inference import loaded, placing
from synpref.inference.placing import placed
from tests.unit.inference.test_engine_process import _pids, _spec, _window
for line in sys.stdin:
    with placed(_spec(gpus="4")) as own:
        print(*_pids(loaded.answer(own, _window("a"))), flush=True)
        sys.stdin.readline()
    print("idle", flush=True)
"""


@pytest.fixture
def worker(engines: Path) -> Iterator[subprocess.Popen[str]]:
    """Another worker: a line begins a task, the next one ends it."""
    root = Path(__file__).resolve().parents[3]
    path = os.pathsep.join([str(root / "lib"), str(root), str(engines)])
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, tempfile.gettempdir()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env={**os.environ, "PYTHONPATH": path},
    ) as process:  # fmt: skip
        yield process
        process.kill()


def _told(worker: subprocess.Popen[str]) -> str:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("next\n")
    return worker.stdout.readline().strip()


def test_the_idle_engine_of_another_worker_makes_room(engines: Path, worker: subprocess.Popen[str]) -> None:
    theirs = int(_told(worker))
    assert _told(worker) == "idle"
    assert _runs(theirs)
    with placed(_spec(gpus="4")) as own:
        mine = _pids(loaded.answer(own, _window("b")))[0]
        assert _ended(theirs)
    assert int(_told(worker)) != theirs  # it loads again, and where we are idle it ends ours
    assert _ended(mine)


def test_an_engine_that_has_a_client_is_left_to_it(engines: Path, worker: subprocess.Popen[str]) -> None:
    theirs = int(_told(worker))
    mine = EngineProcess(_spec(gpu="4"))  # as UDFs have it, which wait for nobody
    assert _pids(mine.answer(_window("b"))) != [theirs]
    assert _runs(theirs)
    mine.close()
    end_idle_engines()
    assert _runs(theirs)


def test_idle_engines_end_where_their_gpu_is_needed(engines: Path) -> None:
    pids = {}
    for gpu in ("4", "5"):
        with placed(_spec(gpus=gpu)) as own:
            (pids[gpu],) = _pids(loaded.answer(own, _window("a")))
    without = EngineProcess(_spec())
    (elsewhere,) = _pids(without.answer(_window("a")))
    without.leave()
    end_idle_engines("5,6")
    assert _ended(pids["5"])
    assert _runs(pids["4"])
    end_idle_engines()
    assert _ended(pids["4"])
    assert _runs(elsewhere)
    assert len([*engines.glob("synpref-*/*.lock")]) == len([*engines.glob("synpref-*/*.sock")]) == 1


@pytest.mark.parametrize(
    ("named", "expected"), [("2,GPU-abc", ["2", "GPU-abc"]), ("", []), ("-1", []), (None, ["0", "1"])]
)
def test_gpus_are_seen_without_cuda(
    named: str | None, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nvidia3", "nvidia5", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(placing, "_DEVICES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == expected


def test_a_gpu_that_nobody_named_is_taken_by_the_engines_own_process(
    engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with placed(_spec()) as own:
        assert (own.text("gpu"), own.flag("process", False)) == ("7", True)
    with placed(_spec(), alone=False) as own:
        assert own == _spec()


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


def test_the_gpu_that_spark_gave_several_tasks_is_one_tasks_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "given_gpu", lambda: "4")
    with placed(_spec()) as own:
        assert own.text("gpu") == "4"
        assert locked(gpu_lock("4")) is None
        with placed(_spec(), alone=False) as beside:  # a UDF
            assert beside == own
    with free_gpu(["4"]) as gpu:
        assert gpu == "4"
