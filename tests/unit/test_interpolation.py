"""A ${…} that leads nowhere is told with the file that holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from synpref.config import load_settings
from synpref.errors import SettingsError

INPUT = "inputs=[{path: pairs.parquet, source: mine}]"


def told(*words: str, overlays: tuple[str, ...] = ("local",)) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(list(overlays), [INPUT, *words])
    return str(caught.value)


@pytest.fixture
def overlay(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text("run: {dir: '${no.such.key}'}\nspark: {conf: {x: '${oc.env:SYNPREF_NO_SUCH_VARIABLE}'}}\n")
    return str(path)


def test_the_overlay_that_holds_it_is_named_and_not_the_last_one(overlay: str) -> None:
    assert told("run.dir=x", overlays=("local", overlay, "demo")).startswith(f"{overlay}: spark.conf.x: ")
    assert told("seed=1", overlays=("local", overlay)) == (
        f"{overlay}: run.dir: Interpolation key 'no.such.key' not found"
    )


def test_a_value_that_names_it_is_not_blamed(overlay: str) -> None:
    words = ("store.path=${run.dir}/tables", "run.dir=${seed}/${no.such.key}")
    assert told(*words) == "command line: run.dir: Interpolation key 'no.such.key' not found"
    assert told("mlflow.tracking_uri=${store.path}", overlays=("local", overlay)).startswith(f"{overlay}: run.dir: ")


def test_of_a_circle_the_last_layer_is_blamed() -> None:
    assert told("run.dir=${store.path}") == "command line: run.dir: Recursive interpolation detected"


@pytest.mark.parametrize("key", ["train.steps", "train.epochs"])
def test_a_length_of_training_may_be_one_and_a_wrong_one_is_told(key: str) -> None:
    assert getattr(load_settings(["local"], [f"{key}=${{seed}}", "seed=3"]).train, key.split(".")[1]) == 3
    assert told(f"{key}=${{no.such.key}}") == f"command line: {key}: Interpolation key 'no.such.key' not found"


def test_a_preset_that_is_one_is_told_with_the_presets_there_are() -> None:
    assert told("train.preset=${no.such.key}").startswith("train.preset: there is no '${no.such.key}'; known: ")


def test_one_inside_a_list_is_found() -> None:
    judge = "judges=[{name: a, kind: transformers, model: '${no.such.key}'}]"
    assert told(judge, "seed=1") == "command line: judges[0].model: Interpolation key 'no.such.key' not found"
