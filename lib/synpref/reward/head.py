"""The head of a model while it is trained: in float32, whatever the products before it are computed in."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from transformers import PreTrainedModel


class ExactHead(nn.Module):
    """A linear layer that autocast does not round: bfloat16 has 8 bits, in which rewards near 5 lie 0.03 apart."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        # Under the names that they have in the layer: saved weights and checkpoints fit both.
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Map [..., width] to [..., 1] in the format of the weights."""
        with torch.autocast(states.device.type, enabled=False):
            return nn.functional.linear(states.to(self.weight.dtype), self.weight, self.bias)


class Head(NamedTuple):
    """The last layer of a sequence classifier and its name in the model."""

    name: str
    linear: nn.Linear

    def put(self, model: nn.Module, module: nn.Module) -> None:
        """Let the module stand where the head stands in the model."""
        parent, _, last = self.name.rpartition(".")
        setattr(model.get_submodule(parent), last, module)


def head_of(model: PreTrainedModel) -> Head | None:
    """The last linear layer outside of the backbone, of one logit; None where there is no such layer."""
    inside = f"{model.base_model_prefix}."
    named = [(name, module) for name, module in model.named_modules() if not name.startswith(inside)]
    linear = [Head(name, module) for name, module in named if isinstance(module, nn.Linear)]
    return linear[-1] if linear and linear[-1].linear.out_features == 1 else None
