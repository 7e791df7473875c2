"""The part of a reward model that is trained, and how it reads token ids or cached hidden states."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from synpref.engines.first_token import first_token_alone, reads_first_token
from synpref.engines.packing import can_pack, logits_of_packed, use_packing
from synpref.reward.backbones import PassThrough, anatomy, drops_attention
from synpref.reward.branches import can_branch, logits_of_branches
from synpref.reward.head import ExactHead, Head, head_of


class Upper(nn.Module):
    """Rewards from rows of a feature store.

    Its parameters are those that are trained: with frozen layers cut off, the model's top layers, pooler and head.
    """

    packs = False  # takes rows end to end, see `packing`
    branches = False  # takes several responses to a prompt in one row, see `packing`

    def __init__(self, model: PreTrainedModel, *, decoder: bool, from_states: bool) -> None:
        super().__init__()
        self.model: Any = model
        self.decoder = decoder
        self.from_states = from_states

    def forward(self, rows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map rows [responses, tokens, width] and mask [responses, tokens] (1 = real, padding right) to [responses].

        Or rows end to end [1, all tokens, width], where mask is the tokens of each response, [responses]. Or several
        responses a row, where mask is the plan of their branches (see branches.branched).
        """
        if mask.dim() == 1:
            return logits_of_packed(self.model, self._given(rows), mask.tolist())
        if mask.dim() == 3:
            return logits_of_branches(self.model, self._given(rows), mask)
        inputs: dict[str, torch.Tensor] = {"attention_mask": mask}
        inputs |= self._given(rows)
        if not self.decoder:
            logits: torch.Tensor = self.model(**inputs).logits
            return logits[:, 0].float()
        hidden = self.model.base_model(**inputs, use_cache=False).last_hidden_state
        last = hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]
        rewards: torch.Tensor = self.model.score(last)
        return rewards[:, 0].float()

    def _given(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        if self.from_states:
            return {"inputs_embeds": rows}
        given = {"input_ids": rows[..., 0].long()}
        if getattr(self.model.config, "type_vocab_size", 0) > 1 and rows.shape[-1] > 1:
            given["token_type_ids"] = rows[..., 1].long()
        return given

    @property
    def width(self) -> int:
        """Numbers of a hidden state."""
        return int(self.model.config.get_text_config().hidden_size)

    def layers(self) -> list[str]:
        """Names of the classes of its layers, which are sharded one by one."""
        base = self.model.base_model
        blocks = getattr(base, "layers", None) or getattr(getattr(base, "encoder", None), "layer", None) or []
        return sorted({type(block).__name__ for block in blocks})


@contextlib.contextmanager
def packing(upper: Upper, device: torch.device, *, bfloat16: bool) -> Iterator[None]:
    """Let `upper` take its rows end to end where the device computes that (engines/packing), until the block ends.

    Where attention drops weights, rows stay padded: the kernel drops none. Where rows stay padded, responses to one
    prompt share a row where the model can (branches).
    """
    model = upper.model
    upper.packs = (
        upper.decoder and not drops_attention(model) and can_pack(model, device, torch.bfloat16 if bfloat16 else None)
    )
    before = model.config._attn_implementation
    if upper.packs:
        use_packing(model)
    upper.branches = not upper.packs and not upper.from_states and can_branch(model)
    try:
        yield
    finally:
        if upper.packs:
            model.set_attn_implementation(before)
        upper.packs = upper.branches = False


@dataclass
class Cut:
    """A model while it is trained: `upper` works on it, `join` makes it whole again.

    said: what its configuration said before it was changed for the training.
    """

    model: PreTrainedModel
    upper: Upper
    said: Mapping[str, object] = field(default_factory=dict)
    _layers: nn.ModuleList | None = None
    _embeddings: nn.Module | None = None
    _head: Head | None = None

    def join(self) -> PreTrainedModel:
        """Give back the whole model with the trained weights in place."""
        base: Any = self.model.base_model
        for name, value in self.said.items():
            setattr(self.model.config.get_text_config(), name, value)
        if self._head is not None:
            self._head.put(self.model, self._head.linear)
        if self._layers is not None and self.upper.decoder:
            base.layers, base.embed_tokens = self._layers, self._embeddings
        elif self._layers is not None:
            base.encoder.layer, base.embeddings = self._layers, self._embeddings
        return self.model


def cut_model(model: PreTrainedModel, trainable_layers: int | None, name: object) -> Cut:
    """Prepare a model for training: its top layers on cached hidden states, or (None) all of it on token ids.

    The model itself is changed until `join`. Raises InputError for an architecture that cannot be cut.
    """
    cut = _cut(model, trainable_layers, name)
    head = head_of(model)
    if head is not None:
        head.put(model, ExactHead(head.linear))
    return replace(cut, _head=head)


def _cut(model: PreTrainedModel, trainable_layers: int | None, name: object) -> Cut:
    base: Any = model.base_model
    if trainable_layers is None:
        upper = Upper(model, decoder=hasattr(model, "score"), from_states=False)
        if not reads_first_token(model):
            return Cut(model, upper)
        layers, base.encoder.layer = base.encoder.layer, first_token_alone(base.encoder.layer)
        return Cut(model, upper, _layers=layers, _embeddings=base.embeddings)
    parts = anatomy(model, name)
    top = list(parts.layers)[len(parts.layers) - trainable_layers :]
    if parts.decoder:
        embeddings = base.embed_tokens
        base.layers, base.embed_tokens = nn.ModuleList(top), nn.Identity()
    else:
        embeddings = base.embeddings
        base.encoder.layer = first_token_alone(nn.ModuleList(top))
        base.embeddings = PassThrough()
    upper = Upper(model, decoder=parts.decoder, from_states=True)
    return Cut(model, upper, _layers=parts.layers, _embeddings=embeddings)


class PairwiseLoss(nn.Module):
    """Bradley-Terry over a batch: -log sigmoid(r_chosen - r_rejected) of its comparisons (paper.md §4).

    bfloat16: what products are computed in, beside weights that stay float32; the head is float32 anyway (`cut_model`).
    """

    def __init__(self, upper: Upper, *, bfloat16: bool = False) -> None:
        super().__init__()
        self.upper = upper
        self._bfloat16 = bfloat16  # without the underscore it is a method of every module

    def forward(
        self,
        rows: Sequence[torch.Tensor],
        mask: Sequence[torch.Tensor],
        chosen: torch.Tensor | None = None,
        rejected: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Rewards of one or several passes one after another; with `chosen` and `rejected`, positions in them, losses.

        Gives rewards, total (the sum over the comparisons) and loss (the mean; 0 without any).
        """
        with torch.autocast(rows[0].device.type, torch.bfloat16, enabled=self._bfloat16):
            rewards = torch.cat([self.upper(some, seen) for some, seen in zip(rows, mask, strict=True)])
        if chosen is None or rejected is None:
            return {"rewards": rewards}
        total = -nn.functional.logsigmoid(rewards[chosen] - rewards[rejected]).sum()
        return {"loss": total / max(len(chosen), 1), "total": total, "rewards": rewards}
