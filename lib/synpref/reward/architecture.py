"""A backbone's architecture from its config.json keys: built without weights, counted, compared with a folder."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PretrainedConfig

from synpref.engines.model_folder import loading
from synpref.errors import InputError


@dataclass(frozen=True)
class Architecture:
    """What memory and compute of training depend on.

    parameters: of the model with its head of one logit. embedding_parameters: of those, tables that are looked up.
    largest_table, largest_matrix: the largest of these tables, and the largest parameter that is none of them.
    attention_width: all query heads together; key_width: all key heads. gated: the feed-forward part has three
    matrices instead of two. decoder: attention looks back only.
    """

    parameters: int
    embedding_parameters: int
    layers: int
    hidden: int
    attention_width: int
    key_width: int
    intermediate: int
    gated: bool
    decoder: bool
    largest_table: int
    largest_matrix: int


def config_of(keys: Mapping[str, Any]) -> PretrainedConfig:
    """A transformers configuration with one logit from keys of config.json, model_type among them.

    Raises InputError where transformers knows no such model.
    """
    rest = copy.deepcopy({name: value for name, value in keys.items() if name != "model_type"})  # it is written into
    try:
        config: PretrainedConfig = AutoConfig.for_model(str(keys["model_type"]), num_labels=1, **rest)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"architecture {dict(keys)}: transformers cannot configure it ({error})") from None
    return config


def folder_config(folder: Path) -> PretrainedConfig:
    """The configuration in a model folder. Raises InputError where it cannot be read."""
    with loading(folder):
        config: PretrainedConfig = AutoConfig.from_pretrained(folder, num_labels=1, local_files_only=True)
    return config


def architecture_of(config: PretrainedConfig) -> Architecture:
    """Build the model without memory for its weights (torch's meta device) and count."""
    build: Any = AutoModelForSequenceClassification  # transformers leaves from_config untyped
    with torch.device("meta"):
        model = build.from_config(config)
    tables = [one.weight for one in model.modules() if isinstance(one, torch.nn.Embedding)]
    looked_up = {id(table) for table in tables}
    heads = int(config.num_attention_heads)
    width = int(getattr(config, "head_dim", None) or config.hidden_size // heads)
    return Architecture(
        parameters=sum(one.numel() for one in model.parameters()),
        embedding_parameters=sum(one.numel() for one in tables),
        layers=int(config.num_hidden_layers),
        hidden=int(config.hidden_size),
        attention_width=heads * width,
        key_width=int(getattr(config, "num_key_value_heads", None) or heads) * width,
        intermediate=int(config.intermediate_size),
        gated=any(name.endswith("gate_proj") for name, _ in model.named_modules()),
        decoder=hasattr(model, "score"),
        largest_table=max(one.numel() for one in tables),
        largest_matrix=max(one.numel() for one in model.parameters() if id(one) not in looked_up),
    )


def check_architecture(keys: Mapping[str, Any], folder: Path, preset: str) -> None:
    """Raise InputError naming the keys in which the model in `folder` is not the preset's."""
    meant, found = config_of(keys), folder_config(folder)
    said = {name: (_said(meant, name), _said(found, name)) for name in keys}
    wrong = [
        f"{name} {other!r} instead of {own!r}"
        for name, (own, other) in said.items()
        if own is not None and not _alike(own, other)
    ]
    if wrong:
        raise InputError(
            f"{folder} is not the backbone of train.preset {preset}: {', '.join(wrong)}; set train.backbone to its "
            "folder, or choose another preset"
        )


def _said(config: PretrainedConfig, key: str) -> object:
    """What a configuration says under a key of config.json; transformers 5 keeps those of rope in rope_parameters."""
    rope: dict[str, object] = dict(getattr(config, "rope_parameters", None) or {})
    theta = rope.pop("rope_theta", None)
    if key == "rope_scaling" and rope:
        return rope
    return theta if key == "rope_theta" and theta is not None else getattr(config, key, None)


def _alike(meant: object, found: object) -> bool:
    if isinstance(meant, float) and isinstance(found, int | float):
        return abs(meant - found) <= 1e-6 * abs(meant)
    return meant == found
