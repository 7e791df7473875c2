"""Every preset's architecture: at a tiny width it takes a step, at its own it has the size of the public model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from synpref.config import conf_file, load_preset
from synpref.errors import InputError
from synpref.reward.architecture import architecture_of, check_architecture, config_of
from synpref.reward.upper import PairwiseLoss, cut_model

ROOT = Path(__file__).resolve().parents[3]
PRESETS = sorted(path.stem for path in conf_file("base.yaml").parent.glob("models/*.yaml"))
# Of the public causal models, without the output matrix that a reward model lacks and with its head of one logit
PUBLISHED = {
    "llama-3.1-8b": 8_030_261_248 - 128_256 * 4096 + 4096,
    "llama-3.1-8b-40m": 8_030_261_248 - 128_256 * 4096 + 4096,
    "llama-3.2-3b": 3_212_749_824 + 3072,
    "llama-3.2-1b": 1_235_814_400 + 2048,
    "qwen3-0.6b": 596_049_920 + 1024,
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
def test_a_tiny_one_takes_a_step(name: str) -> None:
    torch.manual_seed(0)
    config = config_of(tiny(load_preset(name).architecture))
    config.pad_token_id = 0
    build: Any = AutoModelForSequenceClassification  # transformers leaves from_config untyped
    model = build.from_config(config)
    trained = PairwiseLoss(cut_model(model, None, name).upper)
    optimizer = torch.optim.AdamW(trained.parameters(), lr=1e-3)
    ids = torch.randint(1, 64, (4, 12))
    rows = torch.stack([ids, torch.zeros_like(ids)], dim=-1)
    chosen, rejected = torch.tensor([0, 2]), torch.tensor([1, 3])
    loss = trained([rows], [torch.ones_like(ids)], chosen, rejected)["loss"]
    loss.backward()
    gradients = [one.grad for one in trained.parameters() if one.grad is not None]
    assert torch.isfinite(loss)
    assert gradients
    assert all(bool(torch.isfinite(one).all()) for one in gradients)
    assert any(bool(one.abs().sum() > 0) for one in gradients)
    optimizer.step()
    assert trained([rows], [torch.ones_like(ids)], chosen, rejected)["loss"] < loss


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


def test_a_model_that_transformers_does_not_know_is_told() -> None:
    with pytest.raises(InputError, match="transformers cannot configure it"):
        config_of({"model_type": "no-such-model"})
