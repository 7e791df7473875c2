"""Too little gold for a reward model that is better than chance: the stage stops, unless the settings allow it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow.models import refuse_weak
from synpref.quality.gate import Gate
from synpref.stage import Stage
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
