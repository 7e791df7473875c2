"""Final models that were trained on what Stage 2 decided before."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow.final_models import trained_campaign
from synpref.flow.policies import of_other_policies
from synpref.quality.gate import Gate
from synpref.session import part
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

NAMED = ("evaluate.models=[{name: theirs, model: /m}]", "evaluate.benchmarks={user_pairs: [/p.jsonl]}")


def _stage(folder: Path, trained_under: str, *words: str) -> Stage:
    """Stage 2 decided under `now`."""
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(folder)))  # reading a table would fail
    stage = Stage("ingest", "run", load_settings(["demo"], [*words]), nothing, Gate())
    stage.leave({"file_ids": ["f"]}, None)
    part(stage, "stage2").leave({"policy": "now"}, stage.campaign())
    part(stage, "train").leave({"policy": trained_under, "models": {}}, stage.campaign())
    return part(stage, "evaluate")


def test_models_of_former_decisions_are_not_measured_with_the_new_ones(tmp_path: Path) -> None:
    stage = _stage(tmp_path, "before")
    assert of_other_policies(stage, stage.campaign(), ["train"]) == {"train": "before"}
    with pytest.raises(InputError, match="trained under policy before, Stage 2 last decided under now: run `synpref t"):
        trained_campaign(stage)


def test_models_that_are_named_are_measured_without_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained_campaign(_stage(tmp_path, "before", *NAMED)) is None
    assert "only what evaluate names is measured" in capsys.readouterr().err


def test_models_of_the_last_decisions_are_measured(tmp_path: Path) -> None:
    stage = _stage(tmp_path, "now")
    assert of_other_policies(stage, stage.campaign(), ["train"]) == {}
    assert trained_campaign(stage) == stage.campaign()


def test_what_left_no_policy_belongs_to_another(tmp_path: Path) -> None:
    stage = _stage(tmp_path, "now")
    stage.leave({"reward_models": {}}, stage.campaign())
    assert of_other_policies(stage, stage.campaign(), ["train", "evaluate"]) == {"evaluate": "unknown"}
