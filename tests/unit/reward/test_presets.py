"""Every preset: at a tiny width it is trained by its own values, at its own it has the size of the public model."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel

from synpref.config import conf_file, load_preset, load_settings
from synpref.errors import InputError
from synpref.flow.specs import campaign_plan
from synpref.reward.architecture import architecture_of, check_architecture, config_of
from synpref.reward.backbones import load_tokenizer
from synpref.reward.training import train_reward_model

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]

ROOT = Path(__file__).resolve().parents[3]
PRESETS = sorted(path.stem for path in conf_file("base.yaml").parent.glob("models/*.yaml"))
# Of the public causal models, without the output matrix that a reward model lacks and with its head of one logit
PUBLISHED = {
    "llama-3.1-8b": 8_030_261_248 - 128_256 * 4096 + 4096,
    "llama-3.1-8b-40m": 8_030_261_248 - 128_256 * 4096 + 4096,
    "llama-3.2-3b": 3_212_749_824 + 3072,
    "llama-3.2-1b": 1_235_814_400 + 2048,
    "qwen3-0.6b": 596_049_920 + 1024,
    "qwen3-1.7b": 1_720_574_976 + 2048,
    "qwen3-4b": 4_022_468_096 + 2560,
    "qwen3-8b": 8_190_735_360 - 151_936 * 4096 + 4096,
    "smollm2-135m-instruct": 134_515_008 + 576,
}


def tiny(keys: dict[str, Any]) -> dict[str, Any]:
    """The same architecture with small numbers; ratios of heads, rope settings and all kinds stay."""
    heads, key_heads = keys["num_attention_heads"], keys.get("num_key_value_heads", keys["num_attention_heads"])
    group = heads // key_heads
    small = {"hidden_size": 8 * 2 * group, "num_hidden_layers": 2, "num_attention_heads": 2 * group}
    small |= {"intermediate_size": 48, "vocab_size": 64}
    if "num_key_value_heads" in keys:
        small["num_key_value_heads"] = 2
    if "head_dim" in keys:
        small["head_dim"] = 8
    return {**keys, **small}


@pytest.mark.parametrize("name", PRESETS)
def test_a_tiny_one_is_trained_by_the_values_of_its_preset(
    name: str, write_folder: WriteFolder, learnable: MakeRows, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    preset = load_preset(name)
    backbone = tmp_path / "backbone"
    torch.manual_seed(0)
    build: Any = AutoModel  # transformers leaves from_config untyped
    build.from_config(config_of(tiny(preset.architecture))).save_pretrained(backbone)
    load_tokenizer(
        request.getfixturevalue("tiny_bert" if preset.architecture["model_type"] == "bert" else "tiny_llama")
    ).save_pretrained(backbone)
    plan = campaign_plan(load_settings(["local"], [f"train.preset={name}", "train.steps=2"]), 0)
    if preset.released_as is not None:
        assert (plan.dtype, plan.gradient_checkpointing, plan.trainable_layers) == ("bfloat16", True, None)
        assert (plan.pairs_per_step, plan.learning_rate, plan.max_tokens) == (10_240, 3e-6, 16_384)
    model = train_reward_model(
        write_folder("train", learnable(4, 0)),
        backbone=backbone,
        models_dir=tmp_path / "models",
        features_dir=None,
        validation=None,
        settings=plan,
        name=name,
    )
    before, after = (load_file(folder / "model.safetensors") for folder in (backbone, model.path))
    prefix = "bert" if preset.architecture["model_type"] == "bert" else "model"
    moved = {weight for weight in before if not torch.equal(before[weight], after[f"{prefix}.{weight}"])}
    assert moved
    assert moved == set(before) or plan.trainable_layers is not None
    assert all(bool(torch.isfinite(weight).all()) for weight in after.values())
    assert [entry["step"] for entry in model.history] == [2]
    assert model.history[0]["loss"] == pytest.approx(math.log(2), abs=0.1)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_whole_one_has_as_many_parameters_as_the_public_model(name: str) -> None:
    assert architecture_of(config_of(load_preset(name).architecture)).parameters == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "table", "matrix"),
    [
        ("qwen3-8b", 151_936 * 4096, 4096 * 12_288),  # tokens, and a matrix of the feed-forward part
        ("all-minilm-l6-v2", 30_522 * 384, 384 * 1536),  # not the positions, 512
    ],
)
def test_the_largest_parameters_are_told(name: str, table: int, matrix: int) -> None:
    found = architecture_of(config_of(load_preset(name).architecture))
    assert (found.largest_table, found.largest_matrix) == (table, matrix)


def test_rope_of_llama_reaches_the_model() -> None:
    config: Any = config_of(load_preset("llama-3.2-1b").architecture)
    assert config.rope_parameters["rope_type"] == "llama3"
    assert config.rope_parameters["factor"] == 32.0
    assert config.rope_parameters["rope_theta"] == 500_000.0


@pytest.mark.parametrize("name", ["all-minilm-l6-v2", "smollm2-135m-instruct"])
def test_the_models_of_the_set_up_are_their_presets(name: str) -> None:
    folder = ROOT / ".cache/models" / name
    if not folder.is_dir():
        pytest.skip("the small models are absent: run `make setup`")
    check_architecture(load_preset(name).architecture, folder, name)


def test_another_model_in_the_folder_is_named_by_what_differs(tmp_path: Path) -> None:
    keys = load_preset("qwen3-0.6b").architecture
    (tmp_path / "config.json").write_text(json.dumps({**keys, "num_hidden_layers": 36}))
    with pytest.raises(InputError, match=r"not the backbone of train\.preset qwen3-0\.6b: num_hidden_layers 36 inst"):
        check_architecture(keys, tmp_path, "qwen3-0.6b")


@pytest.mark.parametrize(
    ("name", "other", "told"),
    [
        ("qwen3-4b", {"rope_theta": 10_000.0}, r"rope_theta 10000\.0 instead of 1000000\.0"),
        ("llama-3.2-1b", {"rope_theta": 10_000.0}, r"rope_theta 10000\.0 instead of 500000\.0"),
        ("llama-3.2-1b", {"rope_scaling": None}, r"rope_scaling .* instead of .*32\.0"),
    ],
)
def test_other_positions_are_another_model(name: str, other: dict[str, Any], told: str, tmp_path: Path) -> None:
    keys = load_preset(name).architecture
    (tmp_path / "config.json").write_text(json.dumps(keys))
    check_architecture(keys, tmp_path, name)
    (tmp_path / "config.json").write_text(json.dumps({**keys, **other}))
    with pytest.raises(InputError, match=told):
        check_architecture(keys, tmp_path, name)


def test_a_model_that_transformers_does_not_know_is_told() -> None:
    with pytest.raises(InputError, match="transformers cannot configure it"):
        config_of({"model_type": "no-such-model"})
