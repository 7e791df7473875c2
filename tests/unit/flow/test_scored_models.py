"""Stage 2 decides by scores of the models that Stage 1 left last, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow.scored_models import check_scored, models_scored
from synpref.jobs import stage2
from synpref.quality.gate import Gate
from synpref.session import part
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

TOLD = "stage1 has left other reward models .* run `synpref score` first"


def left(gold: str, *best: str) -> dict[str, Any]:
    """What Stage 1 leaves: one best model, or two of halves."""
    folds = [None] if len(best) == 1 else [0, 1]
    halves = [{"model_id": one, "fold": fold} for one, fold in zip(best, folds, strict=True)]
    return {"gold": {"model_id": gold, "fold": None}, "best": halves, "judges": {}}


@pytest.mark.parametrize("stage1", [left("g", "b"), left("g", "b0", "b1")])
def test_scores_of_the_models_that_stage_1_left_are_taken(stage1: dict[str, Any]) -> None:
    check_scored(stage1, {"models": json.loads(json.dumps(models_scored(stage1)))})


@pytest.mark.parametrize(
    "scored", [left("old", "b0", "b1"), left("g", "b0", "old"), left("g", "b1", "b0"), left("g", "b0")]
)
def test_scores_of_other_models_are_refused(scored: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=TOLD):
        check_scored(left("g", "b0", "b1"), {"models": models_scored(scored)})


def test_scores_of_a_version_that_noted_no_models_are_refused() -> None:
    with pytest.raises(InputError, match=TOLD):
        check_scored(left("g", "b"), {"gold_engine": "e", "best_engines": [{"fold": None, "engine_id": "f"}]})


def test_stage_2_stops_before_it_reads_a_table(tmp_path: Path) -> None:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(tmp_path)))  # reading a table would fail
    stage = Stage("ingest", "run", load_settings(["demo"], []), nothing, Gate())
    stage.leave({"file_ids": ["f"]}, None)
    part(stage, "stage1").leave(left("new", "b"), stage.campaign())
    part(stage, "score").leave(
        {
            "models": models_scored(left("old", "b")),
            "gold_engine": "e",
            "best_engines": [{"fold": None, "engine_id": "f"}],
        },
        stage.campaign(),
    )
    with pytest.raises(InputError, match=TOLD):
        stage2.run(part(stage, "stage2"))
