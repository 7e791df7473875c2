"""Backbones: load one with a reward head, and cut it into a frozen lower part and a trained upper part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from synpref.engines.model_folder import loading
from synpref.engines.quiet import quiet_transformers
from synpref.errors import InputError


class PassThrough(nn.Module):
    """Stands for the embeddings of a cut encoder: what comes in is already the hidden states."""

    def forward(self, inputs_embeds: torch.Tensor, **_: object) -> torch.Tensor:
        """Give back inputs_embeds, whatever else the backbone hands over."""
        return inputs_embeds


@dataclass(frozen=True)
class Anatomy:
    """Where a supported architecture keeps its layers. decoder: reads the last token; else pooler and first token."""

    decoder: bool
    layers: nn.ModuleList


def anatomy(model: PreTrainedModel, name: object) -> Anatomy:
    """Find the layers of a sequence-classification model. Raises InputError naming what is not supported."""
    base: Any = model.base_model
    kinds = set(getattr(model.config, "layer_types", None) or ["full_attention"])
    if hasattr(model, "score") and hasattr(base, "embed_tokens") and kinds == {"full_attention"}:
        return Anatomy(decoder=True, layers=base.layers)
    if hasattr(model, "classifier") and hasattr(base, "encoder") and getattr(base, "pooler", None) is not None:
        return Anatomy(decoder=False, layers=base.encoder.layer)
    raise InputError(
        f"{name}: {model.config.model_type} models cannot be trained with frozen lower layers (BERT and Llama-like ones"
        " can); set train.trainable_layers to null"
    )


def load_classifier(folder: Path, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """Load a backbone as float32 sequence-classification model with one logit; a new head comes from torch's seed.

    Raises InputError where the folder holds no such model.
    """
    from transformers import AutoModelForSequenceClassification

    with quiet_transformers():
        try:
            model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
                folder,
                num_labels=1,
                dtype=torch.float32,
                attn_implementation="sdpa",
                local_files_only=True,
                use_safetensors=True,
            )
        except Exception as error:  # transformers and safetensors raise unrelated families
            raise InputError(f"{folder}: no backbone that a reward model can be trained from ({error})") from error
    if len(tokenizer) > embeddings_of(model).num_embeddings:
        model.resize_token_embeddings(len(tokenizer))
    model.config.pad_token_id = tokenizer.pad_token_id
    return model


def drop_nothing(model: PreTrainedModel) -> dict[str, float]:
    """Switch dropout off in all layers and in the configuration; what the configuration said, to be put back."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name in _rates(module):
            setattr(module, name, 0.0)
    config = model.config.get_text_config()
    said = _rates(config)
    for name in said:
        setattr(config, name, 0.0)
    return said


def _rates(holder: object) -> dict[str, float]:
    """attention_dropout, layerdrop and the like of a layer or a configuration."""
    return {name: value for name, value in vars(holder).items() if "drop" in name and isinstance(value, float)}


def has_dropout(folder: Path) -> bool:
    """Whether the configuration of a backbone names any dropout above 0, attention's and layers' included."""
    from transformers import AutoConfig

    with loading(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    return any(value > 0 for value in _rates(config.get_text_config()).values())


def drops_attention(model: PreTrainedModel) -> bool:
    """Whether a decoder's attention drops weights while it is trained."""
    return any(vars(module).get("attention_dropout", 0.0) for module in model.modules())


def embeddings_of(model: PreTrainedModel) -> nn.Embedding:
    """The table of token embeddings."""
    table = model.get_input_embeddings()
    if not isinstance(table, nn.Embedding):
        raise InputError(f"{model.config.model_type}: token embeddings of type {type(table).__name__}, not supported")
    return table


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer with a padding token that can end no text.

    Where padding is missing or is the end token itself, a decoder would read its reward beside the last token; the
    unknown token takes its place, or a new one.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers and tokenizers raise unrelated families
        raise InputError(f"{folder}: no tokenizer there ({error})") from error
    if tokenizer.pad_token is None or tokenizer.pad_token == tokenizer.eos_token:
        unknown = tokenizer.unk_token
        if unknown is not None and unknown != tokenizer.eos_token:
            tokenizer.pad_token = unknown
        else:
            tokenizer.add_special_tokens({"pad_token": "<|padding|>"})
    return tokenizer


def load_frozen(folder: Path, layers: int) -> PreTrainedModel:
    """Load the embeddings and the first `layers` layers alone; what comes out is the input of the next layer.

    Raises InputError where the folder cannot be read.
    """
    from transformers import AutoModel

    with loading(folder):
        base: Any = AutoModel.from_pretrained(
            folder, num_hidden_layers=layers, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
    if hasattr(base, "embed_tokens"):
        base.norm = nn.Identity()  # a decoder's last norm belongs to the upper part
    frozen: PreTrainedModel = base.eval()
    return frozen
