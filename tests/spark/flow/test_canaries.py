"""Attacked answers to a campaign's test prompts are scored as the test prompts are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from synpref.flow import final_models
from synpref.flow.canaries import attacked_tests, robustness_shown
from synpref.pairs.identity import comparison_id, orient, prompt_id, response_id
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from tests.spark.flow.conftest import Measuring

WORDS = ("one", "two", "the", "what", "is")


def content(stage: Stage) -> DataFrame:
    """Content tables of a good and a bad answer to each prompt; returns the tested comparisons."""
    prompts, responses, comparisons, tested = [], [], [], []
    for word in WORDS:
        messages = [{"role": "user", "content": f"what is {word}"}]
        prompt = prompt_id(messages)
        texts = {response_id(prompt, text): text for text in (f"good {word}", f"the bad answer is {word}")}
        a, b = orient(*texts)
        prompts.append((prompt, prompt, messages, word, 1, 9, None))
        responses += [(name, name, prompt, text, len(text)) for name, text in texts.items()]
        comparisons.append((comparison_id(a, b), comparison_id(a, b), prompt, a, b))
        tested.append((comparison_id(a, b), "a" if texts[a].startswith("good") else "b"))
    spark = stage.warehouse.spark
    for name, rows in (("prompts", prompts), ("responses", responses), ("comparisons", comparisons)):
        stage.warehouse.insert(name, spark.createDataFrame(rows, TABLES[name].ddl()), unique=True)
    return spark.createDataFrame(tested, "comparison_id string, winner string")


def noted(stage: Stage, name: str, folder: Path) -> dict[str, Any]:
    """A model that lies among those of the run, as an earlier stage of it noted it before the run was moved."""
    shutil.copytree(folder, stage.models / folder.name, dirs_exist_ok=True)
    return {"name": name, "model_id": folder.name, "path": f"elsewhere/models/{folder.name}"}


def test_without_canaries_nothing_is_scored(measuring: Measuring, reward_models: tuple[Path, Path]) -> None:
    stage = measuring("inputs=[{path: p, source: s}]")
    found = attacked_tests(stage, content(stage), {"original": [noted(stage, "o", reward_models[0])]})
    assert (found.robustness, found.computed) == ({}, 0)
    assert not stage.warehouse.exists("rewards")


def test_final_models_meet_attacked_answers_once(
    measuring: Measuring, reward_models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = measuring("inputs=[{path: p, source: s}]", "evaluate.robustness=3", "train.max_tokens=64")
    tested = content(stage)
    models = {
        mix: [noted(stage, f"{mix}-1", path)] for mix, path in zip(("original", "filtered"), reward_models, strict=True)
    }
    monkeypatch.setattr(final_models, "CHUNK", 20)
    stage.warehouse.create("rewards")
    before = stage.warehouse.version("rewards")
    found = attacked_tests(stage, tested, models)
    assert stage.warehouse.version("rewards") - before == 4  # 66 rewards of two models
    assert set(found.robustness) == {"original-1", "filtered-1", "length only"}
    assert found.robustness["original-1"]["flattery"].plain.value == 0.0  # good beats bad
    assert found.robustness["length only"]["padding"].attacked.value == 1.0
    assert (found.unscored, found.computed, found.saved) == (0, 2 * 3 * 11, 0)
    assert {row.subset for rows in found.rows.values() for row in rows} == {
        f"test prompts/{attack}" for attack in found.robustness["original-1"]
    }
    again = attacked_tests(stage, tested, models)
    assert (again.computed, again.saved) == (0, 2 * 3 * 11)
    assert again.robustness == found.robustness
    shown = robustness_shown([], found.robustness)
    assert [(row["source"], row["prompts"]) for row in shown] == [("test prompts", 3)] * 3
