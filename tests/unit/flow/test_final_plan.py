"""What train.final says reaches everything that `synpref train` trains, and the campaign stays what it was."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.flow.final_models import _spec, tokens_of
from synpref.flow.specs import campaign_plan
from synpref.jobs import train
from synpref.quality.gate import Gate
from synpref.session import part
from synpref.stage import Outcome, Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse
from tests.unit.reward.conftest import tiny_bert_in, write_snapshot

FINAL = "train.final={steps: 7, max_tokens: 32}"


def stage_of(folder: Path, *words: str) -> Stage:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(folder)))  # reading a table would fail
    return Stage("train", "run", load_settings(["demo"], [f"run.dir={folder}", *words]), nothing, Gate())


def test_the_final_models_of_a_campaign_are_trained_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[Stage, str]] = []

    def final_models(stage: Stage, campaign: str) -> Outcome:
        given.append((stage, campaign))
        return Outcome()

    monkeypatch.setattr(train, "final_models", final_models)
    for words in ((), (FINAL,)):
        ingest = stage_of(tmp_path, *words)
        part(ingest, "ingest").leave({"file_ids": ["f"]}, None)
        train.run(ingest)
    (plain, before), (other, after) = given
    assert before == after
    plans = [campaign_plan(stage.settings, 1) for stage in (plain, other)]
    assert [(plan.steps, plan.max_tokens) for plan in plans] == [(plain.settings.train.steps, 48), (7, 32)]


def test_a_dry_run_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train.dry_run=true", "train.preset=qwen3-0.6b", "train.recipe=both"]
    told = train.run(stage_of(tmp_path, *words, "train.final.steps=7", "train.steps=5")).detail["dry_run"]
    assert told["work"]["steps"] == 7
    assert "recipe final" in capsys.readouterr().out


def test_final_models_are_measured_at_the_length_that_they_are_trained_with(tmp_path: Path) -> None:
    (tmp_path / "bert").mkdir()
    tiny_bert_in(tmp_path / "bert").rename(tmp_path / "models")
    folder = write_snapshot(tmp_path / "d", [("what", "clear", "rude " * 40)])
    stage = stage_of(tmp_path, FINAL)
    noted = {"name": "filtered-1", "model_id": "."}
    tokens, _ = tokens_of(stage, {"filtered": [noted]}, folder)
    assert max(tokens.values()) == (32, True)  # the demo has 48 for all others
    assert _spec(stage, noted).integer("max_tokens", 0) == 32
