"""Rows of different lengths in one pass without padding: they lie end to end, and attention keeps them apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from synpref.engines.causal import is_causal
from synpref.engines.tokenise import Encoded

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from transformers import PreTrainedModel

ATTENTION = "synpref_packed"
# Decoders whose attention is a softmax of scaled products over all or a window of the earlier tokens, and no more.
MODEL_TYPES = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma3_text"})
_ASKED = {"scale", "window_size", "enable_gqa"}
_HEAD_SIZES = range(8, 257, 8)  # what the kernel takes


def can_pack(model: PreTrainedModel, device: torch.device | None = None, dtype: torch.dtype | None = None) -> bool:
    """Whether the device has attention over rows of different lengths, and the model is a decoder that it computes.

    That is a GPU of compute capability 8 or later and half precision. Elsewhere padded batches of rows of like lengths
    cost less than attending row by row. device, dtype: where and in what the model will compute; None: its own.
    """
    import torch

    config = model.config.get_text_config()
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    where, format_ = device or model.device, dtype or model.dtype
    if where.type != "cuda" or format_ not in (torch.bfloat16, torch.float16):
        return False
    fit = hasattr(model, "score") and is_causal(config) and config.model_type in MODEL_TYPES and size in _HEAD_SIZES
    return fit and torch.cuda.get_device_capability(where) >= (8, 0) and _kernel() is not None


def use_packing(model: PreTrainedModel) -> None:
    """Let the model attend within packed rows; what is not packed is computed as before, by scaled_dot_product."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(ATTENTION, attend)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    model.set_attn_implementation(ATTENTION)


def packed_batches(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Cut rows into batches of at most token_budget tokens, the longest first; a longer row makes its own batch."""
    batch: list[int] = []
    tokens = 0
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        if batch and tokens + lengths[place] > token_budget:
            yield batch
            batch, tokens = [], 0
        batch.append(place)
        tokens += lengths[place]
    if batch:
        yield batch


def packed_logits(model: PreTrainedModel, rows: Sequence[Encoded]) -> Tensor:
    """The logits of a decoder with one label that `use_packing` prepared, read at each row's last token; float32."""
    import torch

    tokens = torch.tensor([[token for row in rows for token in row.input_ids]], device=model.device)
    return logits_of_packed(model, {"input_ids": tokens}, [len(row.input_ids) for row in rows])


def logits_of_packed(model: PreTrainedModel, inputs: Mapping[str, Tensor], lengths: Sequence[int]) -> Tensor:
    """The same of rows that lie end to end already.

    inputs: input_ids [1, tokens] or inputs_embeds [1, tokens, width].
    """
    import torch

    device = next(iter(inputs.values())).device
    ends = torch.tensor([0, *lengths], device=device).cumsum(0, dtype=torch.int32)
    positions = torch.cat([torch.arange(length) for length in lengths])[None].to(device)
    # A mask of four dimensions is handed on as it is: no tokens x tokens table is made only to be left unread.
    unread = torch.empty((1, 1, 1, 1), device=device)
    packed = {"cu_seq_lens_q": ends, "max_length_q": max(lengths)}
    whole: Any = model
    out = whole.base_model(**inputs, attention_mask=unread, position_ids=positions, use_cache=False, **packed)
    logits: Tensor = whole.score(out.last_hidden_state[0, (ends[1:] - 1).long()])
    return logits[:, 0].float()


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    sliding_window: int | None = None,
    **_: object,
) -> tuple[Tensor, None]:
    """Causal attention as transformers asks for it: [1, heads, tokens, size] to [1, tokens, heads, size].

    cu_seq_lens_q: where each packed row begins, and the end of the last; None: the batch is padded, not packed.
    """
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if cu_seq_lens_q is None or max_length_q is None:
        whole: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, is_causal=is_causal
        )
        return whole
    parts = [part[0].transpose(0, 1) for part in (query, key, value)]
    kernel = _kernel() if query.is_cuda else None
    if kernel is None:
        return _row_by_row(parts, cu_seq_lens_q, scaling, sliding_window)[None], None
    if torch.is_autocast_enabled("cuda"):  # which casts what torch's own attention gets, and knows no other kernel
        parts = [part.to(torch.get_autocast_dtype("cuda")) for part in parts]
    window = (-1 if sliding_window is None else sliding_window - 1, 0)
    mixed: Tensor = kernel(
        *parts, cu_seq_lens_q, cu_seq_lens_q, max_length_q, max_length_q, scale=scaling, window_size=window,
        enable_gqa=query.shape[1] != key.shape[1],
    )  # fmt: skip
    return mixed[None], None


def _row_by_row(parts: Sequence[Tensor], ends: Tensor, scaling: float | None, window: int | None) -> Tensor:
    """The same without the kernel. parts: query, key and value of shape [tokens, heads, size]."""
    import torch

    bounds = ends.tolist()
    rows = []
    for start, end in pairwise(bounds):
        query, key, value = (part[start:end].transpose(0, 1)[None] for part in parts)
        ahead = torch.arange(end - start, device=query.device)
        back = ahead[:, None] - ahead
        seen = (back >= 0) if window is None else (back >= 0) & (back < window)
        mixed = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen, scale=scaling, enable_gqa=query.shape[1] != key.shape[1]
        )
        rows.append(mixed[0].transpose(0, 1))
    return torch.cat(rows)


def _kernel() -> Callable[..., Any] | None:
    """torch's attention over rows of different lengths, where this torch has it and it takes all that is asked of it:
    the first versions (2.10, 2.11) lack some of it.
    """
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return varlen_attn if inspect.signature(varlen_attn).parameters.keys() >= _ASKED else None
