from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from synpref.cli import HAND_OFFS, PIPELINE, STAGES, SUMMARIES, WITH_FILE, job, main
from synpref.errors import InputError
from synpref.flow import people
from synpref.spark import is_foreign


def test_every_stage_has_a_job_and_a_help_text() -> None:
    assert set(SUMMARIES) == {*STAGES, PIPELINE, *WITH_FILE}
    assert all(callable(getattr(people, function)) for function in HAND_OFFS.values())
    assert all(callable(job(stage)) for stage in STAGES)


@pytest.mark.parametrize("stage", SUMMARIES)
def test_help_says_what_the_stage_does_and_what_the_exit_codes_are(
    stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([stage, "--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert " ".join(SUMMARIES[stage].split()[:4]) in " ".join(told.split())
    assert "3 a quality gate failed" in told


def test_a_wrong_setting_ends_with_2_and_one_line_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "--conf", "demo", "stage1.kmax=3"]) == 2
    told = capsys.readouterr().err
    assert told == "synpref ingest: command line: stage1.kmax: no such setting; nearest valid key: stage1.k_max\n"


@pytest.mark.parametrize("command", WITH_FILE)
def test_a_command_that_writes_or_reads_a_file_names_it_and_takes_settings(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command])
    assert "FILE.jsonl" in capsys.readouterr().err
    assert main([command, "batch.jsonl", "--conf", "demo", "no.such=1"]) == 2
    assert capsys.readouterr().err.startswith(f"synpref {command}: command line: no")


def test_settings_may_stand_on_both_sides_of_conf_and_no_option_is_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["ingest", "seed=1", "--conf", "demo", "no.such=1"]) == 2
    assert capsys.readouterr().err.startswith("synpref ingest: command line: no")
    with pytest.raises(SystemExit) as left:
        main(["ingest", "--conf", "demo", "seed=1", "--dry-run"])
    assert left.value.code == 2
    assert "unrecognized arguments: --dry-run" in capsys.readouterr().err


def test_an_unknown_stage_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["embedd"])
    assert left.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize("stage", [*STAGES, PIPELINE])
def test_each_script_is_the_same_command(stage: str) -> None:
    script = Path(__file__).parents[2] / "jobs" / f"{stage}.py"
    done = subprocess.run(
        [sys.executable, str(script), "--conf", "demo", "no.such=1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"synpref {stage}: ")


PLACES = ["run.dir={0}/run", "store.path={0}/warehouse", "mlflow.tracking_uri=sqlite:///{0}/mlflow.db"]


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_below_a_file_ends_with_2_before_anything_starts(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synpref.session.is_foreign", lambda: False)  # another test's session may be active
    (tmp_path / "file").write_text("")
    words = [f"run.dir={tmp_path / 'run'}", place.format(tmp_path / "file")]
    assert main(["ingest", "--conf", "demo", *words]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"synpref ingest: {place.partition('=')[0]}: the folder {tmp_path / 'file'}")
    assert "cannot be made" in told
    assert told.endswith("give a folder you may write to\n")
    assert told.count("\n") == 1


def test_no_permission_to_make_the_run_s_folder_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert main(["ingest", "--conf", "demo", f"run.dir={tmp_path / 'run'}"]) == 2
    assert f"run.dir: the folder {tmp_path / 'run'} cannot be made (Permission denied)" in capsys.readouterr().err


def test_no_permission_to_write_to_the_run_s_folder_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # whom the system refuses is not who runs the tests
    assert main(["ingest", "--conf", "demo", f"run.dir={tmp_path}"]) == 2
    assert f"run.dir: no permission to write to the folder {tmp_path}" in capsys.readouterr().err


def test_without_java_a_stage_ends_with_2_and_the_line_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_foreign():
        pytest.skip("a session of another test is active")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("synpref.java.SYSTEM_FOLDERS", ())
    assert main(["ingest", "--conf", "demo", f"run.dir={tmp_path / 'run'}"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("synpref ingest: Spark needs Java 17 or 21, and found none")
    assert "Type: " in told


@pytest.mark.parametrize(("kind", "code"), [(RuntimeError, 1), (InputError, 2)])
def test_a_password_in_an_address_is_in_no_error_and_no_traceback(
    kind: type[Exception], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*words: object) -> None:
        raise kind("cannot reach http://me:hunter2@mlflow.example:5000/api") from OSError("http://me:hunter2@other")

    monkeypatch.setattr("synpref.cli.run", unreachable)
    assert main(["score", "--conf", "demo"]) == code
    told = capsys.readouterr().err
    assert "cannot reach http://***@mlflow.example:5000/api" in told
    assert "hunter2" not in told


def test_a_full_disk_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*words: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("synpref.cli.run", full)
    assert main(["score", "--conf", "demo"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("synpref score: a disk is full; make room")
