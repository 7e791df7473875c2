"""At which length `evaluate` scores a model, and what an SGLang server cannot be asked for."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow.evaluated_models import evaluated_models
from synpref.quality.gate import Gate
from synpref.reward.plan import TrainingPlan
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

SERVED = ("scorer.backend=http", "scorer.dtype=bfloat16", "scorer.http.url=http://host:8000")


def stage(folder: Path, *words: str) -> Stage:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(folder)))
    return Stage("evaluate", "run", load_settings(["local"], list(words)), nothing, Gate())


@pytest.fixture
def ours(tmp_path: Path) -> str:
    """The record of a model that was trained at 64 tokens and refused what is longer."""
    plan = TrainingPlan(steps=1, max_tokens=64, overlong="refuse")
    record: dict[str, object] = {
        "model_id": "m", "name": "m", "plan": asdict(plan), "training_digest": "d", "backbone": "b",
        "frozen_layers": None, "best_step": 1, "validation_accuracy": None, "history": [], "rows": {},
    }  # fmt: skip
    (tmp_path / "model.json").write_text(json.dumps(record), encoding="utf-8")
    return str(tmp_path)


def length(stage: Stage, folder: str) -> tuple[int, str | None]:
    (spec,) = evaluated_models(stage, [("mine", folder)])
    return spec.integer("max_tokens", 0), spec.text("overlong")


def test_a_model_of_ours_is_scored_at_the_length_of_its_training_which_is_said(
    ours: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert length(stage(tmp_path), ours) == (64, "refuse")
    assert "mine: scored as it was trained, at 64 tokens (refuse)" in capsys.readouterr().err


def test_a_length_that_the_settings_name_counts_and_one_line_warns_where_it_is_another(
    ours: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert length(stage(tmp_path, "scorer.max_tokens=40"), ours) == (40, "truncate_left")
    (line,) = capsys.readouterr().err.splitlines()
    assert "warning: mine was trained at 64 tokens (refuse) and is scored at 40 tokens (truncate_left)" in line
    assert length(stage(tmp_path, "scorer.max_tokens=64", "scorer.overlong=refuse"), ours) == (64, "refuse")
    assert capsys.readouterr().err == ""


def test_a_model_of_others_is_scored_at_the_paper_s_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert length(stage(tmp_path), str(tmp_path)) == (16_384, "truncate_left")
    assert capsys.readouterr().err == ""
    (tmp_path / "model.json").write_text("{}")  # another program's
    assert length(stage(tmp_path), str(tmp_path)) == (16_384, "truncate_left")
    assert "mine: scored as a model that was not trained here" in capsys.readouterr().err


def test_one_server_of_sglang_is_asked_for_one_model_and_vllm_for_several(tmp_path: Path) -> None:
    two = [("one", str(tmp_path)), ("other", str(tmp_path))]
    sglang = stage(tmp_path, *SERVED, "scorer.http.server=sglang")
    assert [spec.text("server") for spec in evaluated_models(sglang, two[:1])] == ["sglang"]
    with pytest.raises(InputError, match="sglang holds one model, and 2 are to be measured"):
        evaluated_models(sglang, two)
    assert [spec.text("server") for spec in evaluated_models(stage(tmp_path, *SERVED), two)] == ["vllm", "vllm"]
