from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from synpref.cli import PIPELINE, STAGES, SUMMARIES, job, main


def test_every_stage_has_a_job_and_a_help_text() -> None:
    assert set(SUMMARIES) == {*STAGES, PIPELINE}
    assert all(callable(job(stage)) for stage in STAGES)


@pytest.mark.parametrize("stage", [*STAGES, PIPELINE])
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


def test_a_folder_that_cannot_be_made_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["ingest", "--conf", "demo", f"run.dir={tmp_path / 'file' / 'run'}"]) == 2
    assert "cannot be made" in capsys.readouterr().err
