"""What all prompts of a list begin with, computed once: a judge's protocol is most of a short prompt."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

LEAST_TOKENS = 64  # of a prefix that is worth a pass of its own
LEAST_PROMPTS = 3


@dataclass(frozen=True)
class SharedPrefix:
    """cache: keys and values of one row, for the first `tokens` tokens of every prompt."""

    cache: Any
    tokens: int

    def continued(self, rest: dict[str, Tensor]) -> dict[str, Any]:
        """A model's inputs for what follows the prefix. rest: left-padded (pad_batch), without the prefix."""
        import torch

        rows = len(rest["input_ids"])
        cache = deepcopy(self.cache)
        cache.batch_repeat_interleave(rows)
        seen = torch.ones(rows, self.tokens, dtype=rest["attention_mask"].dtype, device=rest["attention_mask"].device)
        return {
            **rest,
            "attention_mask": torch.cat([seen, rest["attention_mask"]], dim=1),
            "position_ids": rest["position_ids"] + self.tokens,
            "past_key_values": cache,
            "use_cache": True,
        }


def shared_prefix(model: PreTrainedModel, rows: Sequence[list[int]]) -> SharedPrefix | None:
    """The prefix that all token rows share, as `model` sees it; None where it does not pay or the model has no plain
    cache: a sliding window would count the padding between prefix and rest, a recurrent state cannot skip it.
    """
    tokens = common_prefix(rows)
    if tokens < LEAST_TOKENS or len(rows) < LEAST_PROMPTS:
        return None
    import torch

    with torch.inference_mode():
        first = torch.tensor([rows[0][:tokens]], dtype=torch.int64, device=model.device)
        cache = model(input_ids=first, use_cache=True, logits_to_keep=1).past_key_values
    return SharedPrefix(cache, tokens) if plain_cache(cache) else None


def plain_cache(cache: object) -> bool:
    """Whether a model's cache holds keys and values of every token in every layer, and nothing else."""
    from transformers.cache_utils import DynamicCache, DynamicLayer

    return isinstance(cache, DynamicCache) and all(type(layer) is DynamicLayer for layer in cache.layers)


def common_prefix(rows: Sequence[list[int]]) -> int:
    """Tokens that all rows begin with; at least one of each row is left out, since an answer needs a last position."""
    if not rows:
        return 0
    low, high = min(rows), max(rows)  # in the order of lists these two differ first
    length = min(map(len, rows)) - 1
    return next((place for place in range(length) if low[place] != high[place]), max(length, 0))
