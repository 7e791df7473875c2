from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from synpref.engines import tenancy
from synpref.engines.processes import Process
from synpref.errors import EngineError, InputError
from synpref.inference import engine_process, loaded
from synpref.inference.cards import Option
from synpref.inference.engine_process import EngineProcess, _Link
from synpref.inference.messages import received
from synpref.inference.spec import EngineSpec

ENGINES = """
import os, signal, sys, time
from pathlib import Path
from synpref.engines.reward_rows import Reward
from synpref.errors import EngineError

class Engine:
    def score(self, conversations):
        print("libraries print")
        texts = [one.response for one in conversations]
        first = not Path(os.environ["DIED"]).exists()
        note("asked", " ".join(texts))
        if "waits" in texts:
            note("waits", str(os.getpid()))
            while not Path(os.environ["DIED"] + " goes on").exists():
                time.sleep(0.01)
        if "gone" in texts:
            raise EngineError("the engine is gone")
        if "breaks" in texts or ("breaks once" in texts and first):
            Path(os.environ["DIED"]).touch()
            raise RuntimeError("CUDA error: device-side assert triggered")
        if "dies always" in texts or ("dies once" in texts and first):
            Path(os.environ["DIED"]).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if Path(os.environ["DIED"] + " everything").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        if "standard input" in texts:
            return [Reward(float(os.readlink("/proc/self/fd/0") == os.devnull), 0, False)]
        gpu = float(os.environ.get("CUDA_VISIBLE_DEVICES", "-1"))
        return [Reward(gpu, os.getpid(), False) for one in conversations]

def note(what, line):
    with open(os.environ["DIED"] + " " + what, "a") as notes:
        notes.write(line + "\\n")

def make(spec):
    note("loads", str(os.getpid()))
    return Engine()

def dying(spec):
    with open(os.environ["DIED"], "a") as deaths:
        deaths.write("loading\\n")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module that only this process's path names, as Spark's --py-files are; and a machine without other engines."""
    (tmp_path / "some_engines.py").write_text(ENGINES)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("DIED", str(tmp_path / "died"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    for spec in [*loaded._loaded]:
        loaded.forget(spec)
    for seat, engine in tenancy._running().items():
        if seat.startswith(str(tmp_path)):
            tenancy.end(engine)


@pytest.fixture
def process(engines: Path) -> Iterator[EngineProcess]:
    made = EngineProcess(_spec())
    yield made
    made.close()


def _spec(**options: Option) -> EngineSpec:
    return EngineSpec.of("reward", "elsewhere", None, factory="some_engines:make", max_tokens=64, **options)


def _window(*texts: str) -> pa.RecordBatch:
    asked = [[{"role": "user", "content": "x"}]] * len(texts)
    return pa.RecordBatch.from_pydict({"response_id": list(texts), "messages": asked, "text": list(texts)})


def _pids(answers: pa.RecordBatch) -> list[int]:
    return [int(pid) for pid in answers.column("tokens").to_numpy()]


def test_it_answers_in_one_process_of_its_own_for_all_windows(process: EngineProcess) -> None:
    first, second = process.answer(_window("a", "b")), process.answer(_window("c"))
    assert first.column("response_id").to_pylist() == ["a", "b"]
    assert first.column("error").to_pylist() == [None, None]
    assert set(_pids(first)) == set(_pids(second)) == {process.pid}
    assert process.pid != os.getpid()


def test_a_window_sent_ahead_is_answered_when_it_is_asked_for(process: EngineProcess) -> None:
    first, second, third = _window("a"), _window("b", "c"), _window("d")
    process.prepare(first)  # there is no process yet: nothing
    for window, after in ((first, second), (second, third), (third, None)):
        answers = process.answer(window)
        assert answers.column("response_id").to_pylist() == window.column("response_id").to_pylist()
        if after is not None:
            process.prepare(after)


def test_a_window_sent_ahead_that_nobody_asks_for_any_more_is_passed_over(process: EngineProcess) -> None:
    process.answer(_window("a"))
    process.prepare(_window("of a task that ended"))
    assert process.answer(_window("b")).column("response_id").to_pylist() == ["b"]


def test_a_window_sent_ahead_of_a_dead_process_is_answered_by_the_next(process: EngineProcess) -> None:
    dead = _pids(process.answer(_window("a")))[0]
    window = _window("b")
    os.kill(dead, signal.SIGKILL)
    process.prepare(window)
    assert process.answer(window).column("response_id").to_pylist() == ["b"]
    assert process.pid != dead


def test_a_dead_process_costs_its_window_only(process: EngineProcess) -> None:
    before = process.answer(_window("a"))
    again = process.answer(_window("dies once"))
    assert again.column("error").to_pylist() == [None]
    assert _pids(again) != _pids(before)
    os.kill(_pids(again)[0], signal.SIGKILL)  # between two windows
    assert process.answer(_window("b")).column("error").to_pylist() == [None]


def test_a_broken_device_costs_its_window_and_its_process_only(process: EngineProcess) -> None:
    before = process.answer(_window("a"))
    again = process.answer(_window("breaks once"))
    assert again.column("error").to_pylist() == [None]
    assert _pids(again) != _pids(before)


@pytest.mark.parametrize(("bad", "told"), [("dies always", "exit code -9"), ("breaks", "device-side assert")])
def test_a_row_that_the_process_dies_over_fails_alone(process: EngineProcess, bad: str, told: str) -> None:
    answers = process.answer(_window("a", "b", "c", bad, "d"))
    assert answers.column("response_id").to_pylist() == ["a", "b", "c", bad, "d"]
    assert answers.column("error").to_pylist() == [None, None, None, "engine_died", None]
    assert told in answers.column("detail")[3].as_py()
    assert json.loads(answers.column("original")[3].as_py())["text"] == bad
    assert answers.column("reward").null_count == 1
    alone = process.answer(_window(bad))
    assert alone.column("error").to_pylist() == ["engine_died"]
    assert process.answer(_window("e")).column("error").to_pylist() == [None]


def test_rows_that_each_kill_the_process_fail_alone_where_it_answers_a_short_one(process: EngineProcess) -> None:
    answers = process.answer(_window(*["dies always"] * 4))
    assert answers.column("error").to_pylist() == ["engine_died"] * 4
    assert process.answer(_window("e")).column("error").to_pylist() == [None]


def test_a_process_that_dies_over_everything_stops_the_job(process: EngineProcess, engines: Path) -> None:
    (engines / "died everything").touch()
    with pytest.raises(EngineError, match=r"elsewhere died \d+ times over parts of the same 16 rows \(exit code -9"):
        process.answer(_window(*["a"] * 16))
    assert process.pid is None


def test_a_process_that_dies_while_it_loads_blames_no_row(engines: Path) -> None:
    dying = EngineProcess(EngineSpec.of("reward", "elsewhere", None, factory="some_engines:dying"))
    with pytest.raises(EngineError, match=r"died while it was loaded \(exit code -9"):
        dying.answer(_window("a"))
    assert (engines / "died").read_text().count("loading") == 3


def test_an_end_while_it_was_idle_is_no_death_over_the_next_rows(
    process: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.kill(_pids(process.answer(_window("a")))[0], signal.SIGKILL)  # as tenancy does
    monkeypatch.setattr("synpref.inference.engine_process.without_deadly_rows", None)  # asked for after two deaths
    assert process.answer(_window("dies once")).column("error").to_pylist() == [None]


def test_helper_processes_of_an_engine_inherit_no_pipe_as_their_input(process: EngineProcess) -> None:
    assert process.answer(_window("standard input")).column("reward").to_pylist() == [1.0]


class _Taken(EngineProcess):
    """Another thread leaves whenever it was just looked at."""

    _held: Any = None

    @property
    def _link(self) -> Any:
        found, self._held = self._held, None
        return found

    @_link.setter
    def _link(self, value: Any) -> None:
        self._held = value


def test_a_window_may_be_sent_ahead_while_the_process_is_closed(engines: Path) -> None:
    taken = _Taken(_spec())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        taken._link = _Link(Process.of(os.getpid()), ours, ours.makefile("rb"), -1)
        taken.prepare(_window("a"))
        assert received(theirs.makefile("rb"))


def test_its_errors_are_raised_here(process: EngineProcess) -> None:
    with pytest.raises(EngineError, match="the engine is gone"):
        process.answer(_window("gone"))
    assert process.answer(_window("a")).num_rows == 1
    wrong = EngineProcess(EngineSpec.of("reward", "x", "/no/such/folder", dtype="float32"))
    with pytest.raises(InputError, match="no such model folder"):
        wrong.answer(_window("a"))
    wrong.close()


def test_a_process_sees_the_gpu_that_it_was_given_alone(engines: Path) -> None:
    own = EngineProcess(_spec(gpu="3"))
    assert own.answer(_window("a")).column("reward").to_pylist() == [3.0]
    own.close()


def test_the_option_process_moves_an_engine_out_and_the_fourth_engine_ends_the_first(engines: Path) -> None:
    specs = [_spec(process=True, window=number) for number in range(1, loaded.KEPT + 2)]
    pids = [_pids(loaded.answer(spec, _window("a")))[0] for spec in specs]
    assert len({os.getpid(), *pids}) == len(specs) + 1
    assert _ended(pids[0])
    assert _runs(pids[-1])


def test_a_gpu_holds_one_engine_at_a_time(engines: Path) -> None:
    first, second = (_spec(process=True, gpu="0", window=number) for number in (1, 2))
    before = _pids(loaded.answer(first, _window("a")))[0]
    after = _pids(loaded.answer(second, _window("a")))[0]
    assert _ended(before)
    assert _runs(after)
    assert _pids(loaded.answer(second, _window("a"))) == [after]


def test_it_dies_with_the_process_that_started_it_however_that_dies(engines: Path) -> None:
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from tests.unit.inference.test_engine_process import _pids, _spec, _window\n"
        "from synpref.inference.engine_process import EngineProcess\n"
        "print(_pids(EngineProcess(_spec()).answer(_window('a')))[0], flush=True)\n"
        "time.sleep(600)\n"
    )
    root = Path(__file__).resolve().parents[3]
    path = os.pathsep.join([str(root / "lib"), str(root)])
    environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(engines)}
    command = [sys.executable, "-c", script, str(engines)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _runs(pid)
        parent.kill()
    assert _ended(pid)


def test_an_engine_that_a_client_left_answers_the_next_one(process: EngineProcess, engines: Path) -> None:
    (first,) = _pids(process.answer(_window("a")))
    process.prepare(_window("of the client that leaves"))
    process.leave()
    assert process.pid is None
    other = EngineProcess(_spec())
    answers = other.answer(_window("b"))
    assert answers.column("response_id").to_pylist() == ["b"]
    assert _pids(answers) == [first]
    assert (engines / "died loads").read_text().split() == [str(first)]
    other.close()
    assert _ended(first)


def test_two_clients_at_once_have_an_engine_each(process: EngineProcess) -> None:
    other = EngineProcess(_spec())
    pids = {*_pids(process.answer(_window("a"))), *_pids(other.answer(_window("b")))}
    assert pids == {process.pid, other.pid}
    assert len(pids) == 2
    other.close()


def test_an_engine_that_nobody_asks_ends_and_one_that_has_a_client_stays(
    engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process, "IDLE_SECONDS", 0.1)
    process = EngineProcess(_spec())
    (pid,) = _pids(process.answer(_window("a")))
    assert _runs(pid)
    process.leave()
    assert _ended(pid)
    assert _pids(process.answer(_window("b"))) != [pid]
    process.close()


def test_an_engine_that_can_no_longer_be_reached_is_replaced(process: EngineProcess, engines: Path) -> None:
    (pid,) = _pids(process.answer(_window("a")))
    process.leave()
    for path in engines.glob("synpref-*/*.sock"):  # as what cleans folders for temporary files may do
        path.unlink()
    assert _pids(process.answer(_window("b"))) != [pid]
    assert _ended(pid)


def test_an_engine_that_computes_too_long_for_a_client_that_left_is_replaced(
    process: EngineProcess, engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process, "PATIENCE_SECONDS", 0.1)
    (pid,) = _pids(process.answer(_window("a")))
    process.prepare(_window("waits"))
    while not (engines / "died waits").exists():
        time.sleep(0.01)
    process.leave()
    answers = process.answer(_window("b"))
    assert answers.column("response_id").to_pylist() == ["b"]
    assert _pids(answers) != [pid]
    assert _ended(pid)


def test_a_folder_for_temporary_files_may_have_a_long_name(engines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = engines / ("long" * 50)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    process = EngineProcess(_spec())
    assert process.answer(_window("a")).column("error").to_pylist() == [None]
    process.close()


def test_without_linux_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(pid: int) -> None:
        raise FileNotFoundError("/proc/1/stat")

    monkeypatch.setattr("synpref.engines.processes.facts_of", missing)
    with pytest.raises(InputError, match="a process of its own needs Linux"):
        EngineProcess(_spec()).answer(_window("a"))


def _ended(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        return Process.of(pid).wait(10)
    except OSError:
        return True


def _runs(pid: int) -> bool:
    """Whether a process runs, and goes on."""
    try:
        return not Process.of(pid).wait(0.5)
    except OSError:
        return False
