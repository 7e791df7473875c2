"""Presets among the settings: which layer wins, and that the values are the paper's."""

from __future__ import annotations

from typing import get_args

import pytest

from synpref.config import conf_file, load_preset, load_settings
from synpref.errors import SettingsError
from synpref.settings_presets import Recipe

PAPER = ["llama-3.1-8b", "llama-3.1-8b-40m", "llama-3.2-1b", "llama-3.2-3b", "qwen3-0.6b", "qwen3-1.7b", "qwen3-4b",
         "qwen3-8b"]  # fmt: skip
PRESETS = sorted(path.stem for path in conf_file("base.yaml").parent.glob("models/*.yaml"))


@pytest.mark.parametrize("name", PAPER)
def test_the_final_recipe_is_the_paper_s(name: str) -> None:
    values = load_preset(name).values("final")
    wanted = {"pairs_per_step": 10_240, "learning_rate": 3e-6, "schedule": "constant", "max_tokens": 16_384,
              "epochs": 1.0, "steps": None, "dtype": "bfloat16", "gradient_checkpointing": True}  # fmt: skip
    assert wanted.items() <= values.items()


@pytest.mark.parametrize("name", PAPER)
def test_the_development_recipe_is_the_paper_s(name: str) -> None:
    values = load_preset(name).values("development")
    rate = 1e-6 if "8b" in name else 4e-6
    assert {"pairs_per_step": 256, "learning_rate": rate, "schedule": "linear"}.items() <= values.items()
    assert values["warmup_share"] > 0


def test_there_are_the_paper_s_eight_and_two_for_a_laptop() -> None:
    assert sorted([*PAPER, "all-minilm-l6-v2", "smollm2-135m-instruct"]) == PRESETS
    assert len({load_preset(name).released_as for name in PAPER}) == 8


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_valid_settings(name: str) -> None:
    for recipe in ("development", "final"):
        train = load_settings(["local"], [f"train.preset={name}", f"train.recipe={recipe}"]).train
        assert train.learning_rate == load_preset(name).values(train.recipe)["learning_rate"]
        assert train.backbone == load_preset(name).backbone


@pytest.mark.parametrize("name", PRESETS)
def test_with_both_recipes_stage_1_trains_by_one_and_the_final_models_by_the_other(name: str) -> None:
    by = {
        recipe: load_settings(["local"], [f"train.preset={name}", f"train.recipe={recipe}"]).train
        for recipe in get_args(Recipe)
    }
    assert by["both"].of_final_models() == by["final"]
    stage1 = by["both"].model_dump(exclude={"final", "recipe"})
    assert stage1 == by["development"].model_dump(exclude={"final", "recipe"})
    assert by["both"].of_final_models().learning_rate != by["both"].learning_rate


def test_a_word_on_the_final_models_wins_over_the_preset_s() -> None:
    words = ["train.preset=qwen3-8b", "train.recipe=both", "train.final.learning_rate=2e-6", "train.max_tokens=4096"]
    train = load_settings(["local"], words).train
    final = train.of_final_models()
    assert (train.learning_rate, final.learning_rate, final.pairs_per_step) == (1e-6, 2e-6, 10_240)
    assert (train.max_tokens, final.max_tokens) == (4096, 4096)  # what no recipe names is of both


RECIPES = [[f"train.preset={name}", f"train.recipe={recipe}"] for name in PRESETS for recipe in get_args(Recipe)]


@pytest.mark.parametrize("words", [[], *RECIPES])
def test_every_schedule_writes_a_checkpoint_before_its_end(words: list[str]) -> None:
    train = load_settings(["local"], words).train
    steps = train.steps or (train.epochs or 0) * train.estimate.pairs / (train.pairs_per_step or 1)
    assert train.checkpoint_every is not None
    assert train.checkpoint_every < steps


def test_the_models_of_the_demo_are_too_small_for_checkpoints() -> None:
    assert load_settings(["demo"], []).train.checkpoint_every is None


@pytest.mark.parametrize("words", [[], *RECIPES])
def test_a_format_is_measured_unless_the_paper_names_it(words: list[str]) -> None:
    paper = any(name in words[0] for name in PAPER) if words else False
    assert load_settings(["local"], words).train.dtype == ("bfloat16" if paper else None)


def test_a_preset_wins_over_the_defaults_and_loses_to_overlays_and_words() -> None:
    preset = load_preset("all-minilm-l6-v2").values("final")
    train = load_settings(["demo"], ["train.preset=all-minilm-l6-v2", "train.weight_decay=0.5"]).train
    assert train.weight_decay == 0.5
    assert train.max_tokens == 48  # of the overlay demo
    assert train.responses_per_step == preset["responses_per_step"] == 128
    assert train.schedule == "constant"


def test_an_overlay_may_name_the_preset(tmp_path_factory: pytest.TempPathFactory) -> None:
    overlay = tmp_path_factory.mktemp("overlay") / "mine.yaml"
    overlay.write_text("train:\n  preset: smollm2-135m-instruct\n  recipe: development\n")
    train = load_settings(["local", str(overlay)], []).train
    assert train.backbone == ".cache/models/smollm2-135m-instruct"
    assert load_settings(["local", str(overlay)], ["train.recipe=final"]).train.schedule == "constant"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("train.preset=qwen4", "there is no 'qwen4'; known: all-minilm-l6-v2"),
        ("train.recipe=last", "'last' is none of"),
    ],
)
def test_a_wrong_name_is_told_with_those_there_are(word: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(["local"], ["train.preset=qwen3-0.6b", word])
