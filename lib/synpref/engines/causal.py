"""Whether a model reads from left to right: what passes of several rows at once rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def is_causal(config: PreTrainedConfig) -> bool:
    """Whether each token sees the earlier ones only. config: of a model's text part."""
    bidirectional = getattr(config, "use_bidirectional_attention", None)
    return bool(getattr(config, "is_causal", True)) and not bidirectional and not config.is_encoder_decoder
