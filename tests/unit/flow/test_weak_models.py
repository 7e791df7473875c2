"""Too little gold for a reward model that is better than chance: the stage stops, unless the settings allow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref import resume, session
from synpref.cli import STAGES, main
from synpref.config import campaign_id, inputs_hash, load_settings
from synpref.errors import InputError
from synpref.flow.models import refuse_weak
from synpref.quality.gate import Gate
from synpref.settings import Settings
from synpref.stage import Outcome, Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse


def stage(folder: Path, *words: str) -> Stage:
    """A stage that reads its settings only."""
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(folder)))
    return Stage("score", "run", load_settings(["demo"], words), nothing, Gate())


def model(accuracy: float, comparisons: int) -> dict[str, Any]:
    return {"name": "gold", "validation_accuracy": accuracy, "validation_comparisons": comparisons}


def test_a_model_not_better_than_chance_stops_with_what_to_do(tmp_path: Path) -> None:
    told = (
        r"reward model gold: right on 55 of 100 gold-validation comparisons, lower bound 0\.4\d\d: not better than "
        r"chance\. Label more gold, train longer, or set stage2\.allow_weak_models=true"
    )
    with pytest.raises(InputError, match=told):
        refuse_weak(stage(tmp_path), [model(0.9, 100), model(0.55, 100)])


def test_the_same_share_of_more_gold_is_better_than_chance(tmp_path: Path) -> None:
    refuse_weak(stage(tmp_path), [model(0.55, 1000)])


def test_where_the_settings_allow_it_the_run_says_so_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_weak(stage(tmp_path, "stage2.allow_weak_models=true"), [model(0.5, 100)])
    assert "warning: reward model gold: right on 50 of 100" in capsys.readouterr().err


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stages that a command runs: all pass but score, which is the real job over what Stage 1 left, a weak model."""
    stages: list[str] = []

    @contextmanager
    def opened(settings: Settings, name: str, run_id: str) -> Iterator[Stage]:
        nothing = Warehouse(cast("SparkSession", None), Location(path=str(tmp_path)))
        left: dict[tuple[str, str], dict[str, Any]] = {
            ("ingest", inputs_hash(settings)): {"file_ids": ["f"]},
            ("stage1", campaign_id(settings, ["f"])): {"gold": model(0.55, 100), "best": [model(0.9, 100)]},
        }
        yield Stage(name, run_id, settings, nothing, Gate(), left=left)

    def run_job(one: Stage, job: Callable[[Stage], Outcome]) -> Outcome:
        stages.append(one.name)
        return job(one) if one.name == "score" else Outcome()

    monkeypatch.setattr(session, "opened", opened)
    monkeypatch.setattr(session, "run_job", run_job)
    monkeypatch.setattr(resume, "standing", lambda *_: {})
    monkeypatch.setattr("synpref.cli.preload", lambda: None)
    return stages


@pytest.mark.parametrize("command", ["score", "pipeline"])
def test_the_job_ends_with_2_before_anything_is_scored_and_stage_2_does_not_run(
    ran: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, "--conf", "demo", f"run.dir={tmp_path}"]) == 2
    before = STAGES[: STAGES.index("score") + 1] if command == "pipeline" else ("score",)
    assert ran == list(before)
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(f"synpref {command}: reward model gold: right on 55 of 100 gold-validation comparisons")
