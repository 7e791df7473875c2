"""An encoder whose reward is read at its first token: of its last layer no other token is computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel


class FirstTokenLayer(nn.Module):
    """A BERT layer that computes its first token alone: after the last layer the pooler reads no other.

    One query a row needs no key and value of every token: q . (K h + b) = (K'q) . h + a constant that softmax drops,
    and a weighted sum of V h is V times the weighted sum of h. That is some hundred times less work than the whole
    layer, and equals its first token but for rounding.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        whole: Any = layer
        # Under the names that they have in the whole layer: saved weights and checkpoints fit both.
        self.attention: Any = whole.attention
        self.intermediate: Any = whole.intermediate
        self.output: Any = whole.output
        # Processes that train together wait for the gradient of all that could have one
        self.attention.self.key.bias.requires_grad_(False)

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: object, **__: object
    ) -> torch.Tensor:
        """Map [rows, tokens, width] to [rows, 1, width]; what else the encoder hands over is for decoders."""
        first = hidden_states[:, :1]
        attended = self.attention.output(self._mixed(first, hidden_states, attention_mask), first)
        result: torch.Tensor = self.output(self.intermediate(attended), attended)
        return result

    def _mixed(self, first: torch.Tensor, states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """What the first token takes from all tokens, [rows, 1, width]; scores and sums are float32, as fused ones."""
        own = self.attention.self
        heads, size = own.num_attention_heads, own.attention_head_size
        query = own.query(first).view(-1, heads, size)
        with torch.autocast(states.device.type, enabled=False):
            key, value = (part.weight.view(heads, size, -1).float() for part in (own.key, own.value))
            seen = states.float()
            scores = torch.einsum("bhs,hsw->bhw", query.float(), key) @ seen.transpose(1, 2) / size**0.5
            if mask is not None:  # [rows, 1, queries, tokens]: what may be seen, or what is added to the scores
                of_first = mask[:, :, 0]
                bits = of_first.dtype == torch.bool
                scores = scores.masked_fill(~of_first, float("-inf")) if bits else scores + of_first
            weights = own.dropout(scores.softmax(dim=-1))
            mixed = torch.einsum("bhw,hsw->bhs", weights @ seen, value)
            mixed = mixed + own.value.bias.view(heads, size).float() * weights.sum(dim=-1, keepdim=True)
        flat: torch.Tensor = mixed.reshape(-1, 1, heads * size).to(first.dtype)
        return flat


def reads_first_token(model: PreTrainedModel) -> bool:
    """Whether a sequence classifier is a BERT: its pooler takes the last layer's first token alone."""
    base: Any = model.base_model
    bert = model.config.model_type == "bert" and model.config._attn_implementation in ("sdpa", "eager")
    return bert and hasattr(model, "classifier") and getattr(base, "pooler", None) is not None


def first_token_alone(layers: nn.ModuleList) -> nn.ModuleList:
    """The layers, of which the last computes its first token alone."""
    *lower, last = layers
    return nn.ModuleList([*lower, FirstTokenLayer(last)])
