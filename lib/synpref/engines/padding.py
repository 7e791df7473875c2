"""From token lists to one padded batch of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from synpref.engines.tokenise import Encoded

if TYPE_CHECKING:
    from torch import Tensor


def pad_batch(
    encoded: Sequence[Encoded], pad_token_id: int, *, side: Literal["left", "right"] = "right"
) -> dict[str, Tensor]:
    """Pad to the longest: input_ids and attention_mask, and token_type_ids where the tokens have them.

    All are int64 of shape (items, longest). Left padding adds position_ids, which decoders count from the first
    real token.
    """
    import torch

    longest = max(len(item.input_ids) for item in encoded)

    def padded(rows: Sequence[list[int]], value: int) -> Tensor:
        blanks = [[value] * (longest - len(row)) for row in rows]
        whole = [b + row if side == "left" else row + b for row, b in zip(rows, blanks, strict=True)]
        return torch.tensor(whole, dtype=torch.int64)

    batch = {
        "input_ids": padded([item.input_ids for item in encoded], pad_token_id),
        "attention_mask": padded([[1] * len(item.input_ids) for item in encoded], 0),
    }
    types = [item.token_type_ids for item in encoded if item.token_type_ids is not None]
    if types:
        batch["token_type_ids"] = padded(types, 0)
    if side == "left":
        batch["position_ids"] = (batch["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)
    return batch
