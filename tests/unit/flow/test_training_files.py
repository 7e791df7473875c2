"""Validation that was asked for and is not there ends a training before it begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow import training_files
from synpref.flow.training_data import TrainingData
from synpref.flow.training_files import train_on_data
from synpref.quality.gate import Gate
from synpref.reward.tracking import FilesRead, TableVersion
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

FILE = "{path: f.jsonl, source: mine}"
DATA = TrainingData(
    labelled=cast("Any", None), sizes={"train": 90}, groups={"train": 9}, rows_in=92, duplicates=0,
    quarantined={"tie": 2}, data_id="d", files={}, table=None,
)  # fmt: skip


def test_inputs_that_are_tables_are_named_with_their_version() -> None:
    data = replace(DATA, files={"f.jsonl": "ab"}, folders={"/data/mine": 3})
    origin = training_files._origin(data)
    assert origin == FilesRead({"f.jsonl": "ab"}, (TableVersion("mine", 3, path="/data/mine"),))
    settings = load_settings(["local"], [f"train.data.pairs=[{FILE}]"])
    stage = Stage("train", "run", settings, cast("Warehouse", None), Gate())
    assert training_files._facts(stage, data, origin).data == {"f.jsonl": "ab", "table mine": "version 3"}


@pytest.mark.parametrize("words", [[f"train.data.validation=[{FILE}]"], ["train.data.validation_share=0.1"]])
def test_validation_that_vanished_is_an_error_that_says_why(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(["local"], [f"run.dir={tmp_path}", f"train.data.pairs=[{FILE}]", *words])
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(tmp_path)))
    monkeypatch.setattr(training_files, "training_data", lambda stage: DATA)
    with pytest.raises(
        InputError, match=r"no comparison is left to measure on; refused of all files: tie 2 .*table qu"
    ):
        train_on_data(Stage("train", "run", settings, nothing, Gate()))
