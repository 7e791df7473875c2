"""Validation that was asked for and is not there ends a training before it begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow import training_files
from synpref.flow.model_record import card_of, logged_in
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


def test_files_and_tables_of_equal_names_are_told_apart_in_the_card() -> None:
    data = replace(
        DATA, files={"/x/f.jsonl": "ab", "/y/f.jsonl": "cd", "/x/g.jsonl": "ef"}, folders={"/x/mine": 3, "/y/mine": 4}
    )
    stage = Stage("train", "run", load_settings(["local"], []), cast("Warehouse", None), Gate())
    assert training_files._facts(stage, data, training_files._origin(data)).data == {
        "x/f.jsonl": "ab", "y/f.jsonl": "cd", "g.jsonl": "ef",
        "table x/mine": "version 3", "table y/mine": "version 4",
    }  # fmt: skip


def test_the_card_of_a_model_that_stood_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the code that trained the model, which today's need not be."""
    model: Any = SimpleNamespace(
        model_id="m", name="mine", path=tmp_path / "m", rows={"comparisons": 90, "validation_comparisons": 0},
        validation_accuracy=None, reused=True,
    )  # fmt: skip
    model.path.mkdir()
    stage = Stage("train", "run", load_settings(["local"], [f"run.dir={tmp_path}"]), cast("Warehouse", None), Gate())
    stage.models.mkdir(exist_ok=True)
    logged_in(stage, model).write_text("run")
    written: list[str] = []

    def write(card: Any, figures: object, facts: object) -> None:
        card_of(card).touch()
        written.append("card")

    labelled: Any = SimpleNamespace(unpersist=lambda: None)
    monkeypatch.setattr(training_files, "training_data", lambda stage: replace(DATA, labelled=labelled))
    monkeypatch.setattr(training_files, "_snapshots", lambda stage, data: (tmp_path, None))
    monkeypatch.setattr(training_files, "fitted", lambda *_: model)
    monkeypatch.setattr(training_files, "write_card", write)
    monkeypatch.setattr(training_files, "training_text", lambda *_: "")
    for _ in range(2):
        train_on_data(stage)
    assert written == ["card"]


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
