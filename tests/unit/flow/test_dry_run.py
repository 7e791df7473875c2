"""A dry run without data: the paper's final run, told without loading a weight."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow.dry_run import dry_run, held_out_pairs
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse


def stage_of(folder: Path, *words: str) -> Stage:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(folder)))
    return Stage("train", "run", load_settings(["local"], ["train.dry_run=true", *words]), nothing, Gate())


def test_the_paper_s_final_run_of_the_8b_model(tmp_path: Path) -> None:
    told = dry_run(stage_of(tmp_path, "train.preset=llama-3.1-8b"))
    found = told.outcome.detail["dry_run"]
    assert found["work"]["steps"] == 2540
    assert found["work"]["tokens"] == 2 * 26_000_000 * 1024
    body = 7_504_928_768 - 525_336_576
    scores = 0.5 * 12 * 32 * 4096 * 2 * 26_000_000 * 1024**2
    assert found["operations"] == pytest.approx((6 * body * found["work"]["tokens"] + scores) * 4 / 3)
    assert found["gpu_hours"] == pytest.approx(found["operations"] / (989e12 * 0.4 * 3600))
    zero1 = next(one for one in found["memory"] if (one["gpus"], one["strategy"]) == (64, "zero1"))
    # a 64th of the parameters is 117 million; the table of 128,256 tokens and width 4,096 lies on one GPU whole
    assert zero1["optimizer"] == 8 * 128_256 * 4096
    assert zero1["weights"] == 4 * 7_504_928_768 + 2 * body
    assert zero1["gradients"] == 2 * 4 * 7_504_928_768
    layer = 4 * 4096 + 2 * 4096 + 2 * 1024 + 4 * 14336
    assert zero1["activations"] == 2 * 32_768 * (32 * 4096 + layer)
    assert "2,540 (1 epoch, 10,240 pairs a step)" in told.text
    assert "meta-llama/Llama-3.1-8B-Instruct, recipe final" in told.text
    assert "assumed, see train.estimate" in told.text
    assert found["feature_bytes"] == 4 * 2 * 26_000_000 * 1024
    assert "disk          198.4 GiB of features" in told.text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("recipe", ["final", "development"])
def test_the_preset_of_40_million_pairs_assumes_them_unless_told_otherwise(recipe: str, tmp_path: Path) -> None:
    words = ["train.preset=llama-3.1-8b-40m", f"train.recipe={recipe}"]
    assumed, told = (
        dry_run(stage_of(tmp_path, *words, *more)).outcome.detail["dry_run"]
        for more in ([], ["train.estimate.pairs=1000"])
    )
    assert (assumed["pairs"], told["pairs"]) == (40_000_000, 1000)
    # paper.md §4: 40,000,000 / 10,240 = 3,906.25 steps of the final run; / 256 = 156,250 of the other
    assert assumed["work"]["steps"] == {"final": 3907, "development": 156_250}[recipe]


def test_the_development_recipe_takes_as_many_tokens_in_more_steps(tmp_path: Path) -> None:
    words = ["train.preset=qwen3-0.6b", "train.estimate.pairs=25600", "train.estimate.response_tokens=100"]
    final, development = (
        dry_run(stage_of(tmp_path, *words, f"train.recipe={recipe}")).outcome.detail["dry_run"]["work"]
        for recipe in ("final", "development")
    )
    assert (final["steps"], development["steps"]) == (3, 100)
    assert final["tokens"] == development["tokens"] == 2 * 25_600 * 100


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ([], 100),  # a tenth
        (["train.data.validation_share=0.5"], 500),
        (["train.data.max_validation=60"], 60),
        (["train.data.validation_share=0"], 0),
        (["train.data.validation=[{path: v, source: s}]"], 0),  # none of these pairs, but those of the file
    ],
)
def test_what_is_held_out_is_not_trained_on(words: list[str], held: int) -> None:
    data = load_settings(["local"], ["train.data.pairs=[{path: p, source: s}]", *words]).train.data
    assert held_out_pairs(data, 1000) == held


def test_assumed_lengths_end_at_the_limit(tmp_path: Path) -> None:
    words = ["train.preset=qwen3-0.6b", "train.max_tokens=100", "train.estimate.response_tokens=5000"]
    assert dry_run(stage_of(tmp_path, *words)).outcome.detail["dry_run"]["response_tokens"] == 100


def test_without_a_preset_the_folder_tells_and_an_absent_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=str(tmp_path / "none")):
        dry_run(stage_of(tmp_path, f"train.backbone={tmp_path / 'none'}"))
