"""Responses of one prompt in one row: its tokens are computed once for all of them, with gradients.

A row holds what its responses begin with and then, branch by branch, what each adds. A branch sees the beginning and
itself, and its positions go on from the beginning's, so every reward is that of the response alone, but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from synpref.engines.causal import is_causal

LEAST = 16  # tokens of a beginning that are worth a mask
LONGEST = 4_096  # tokens of a row of several responses: attention computes what it masks, too
_SEES_ALL = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma"})  # whose layers see all earlier tokens


class Family(NamedTuple):
    """Rows (places in a list) that begin with the same so many tokens, fewer than the shortest has."""

    members: list[int]
    shared: int

    def tokens(self, lengths: Sequence[int]) -> int:
        """Of the one row that they make. lengths: of all rows of the list."""
        return self.shared + sum(lengths[place] - self.shared for place in self.members)


def can_branch(model: PreTrainedModel) -> bool:
    """Whether the model takes a mask of its own for each token: a plain decoder, computed by scaled_dot_product."""
    config = model.config.get_text_config()
    plain = config.model_type in _SEES_ALL and is_causal(config) and not getattr(config, "sliding_window", None)
    return plain and hasattr(model, "score") and model.config._attn_implementation == "sdpa"


def families(rows: Sequence[NDArray[Any]], width: int) -> list[Family]:
    """Rows that are cheaper together than each by itself, so that most is saved; every row is in at most one family.

    rows: token ids. width: of the model's hidden states, by which attention is weighed against all else.
    """
    order = sorted(range(len(rows)), key=lambda place: rows[place].tolist())
    alike = [_alike(rows[first], rows[second]) for first, second in pairwise(order)]
    return _best(order, alike, [len(row) for row in rows], width)[0]


def branched(rows: Sequence[NDArray[Any]], shared: Sequence[Family]) -> tuple[torch.Tensor, torch.Tensor]:
    """Families as rows [families, longest, width of a stored row], zeros behind, and their plan [families, 2, longest].

    The plan says of each token its branch (0 the beginning, from 1 the members in order, -1 padding) and its position.
    """
    made, plans = [], []
    for family in shared:
        parts = [rows[family.members[0]][: family.shared], *[rows[place][family.shared :] for place in family.members]]
        lengths = [len(part) for part in parts]
        branch = np.repeat(np.arange(len(parts)), lengths)
        position = np.concatenate([np.arange(lengths[0]), *[family.shared + np.arange(size) for size in lengths[1:]]])
        made.append(torch.from_numpy(np.concatenate(parts)))
        plans.append(torch.from_numpy(np.stack([branch, position])).T)
    pad = torch.nn.utils.rnn.pad_sequence
    plan = pad(plans, batch_first=True, padding_value=-1).transpose(1, 2)
    return pad(made, batch_first=True), plan.contiguous()


def logits_of_branches(model: PreTrainedModel, inputs: dict[str, torch.Tensor], plan: torch.Tensor) -> torch.Tensor:
    """Rewards of the branches of all rows, in order, read at each one's last token; float32.

    inputs: input_ids [families, longest]. plan: as `branched` makes it.
    """
    branch, position = plan[:, 0], plan[:, 1].clamp(min=0)
    own = branch[:, :, None] == branch[:, None, :]
    earlier = torch.ones(plan.shape[2], plan.shape[2], dtype=torch.bool, device=plan.device).tril()
    sees = (own | (branch[:, None, :] == 0)) & earlier
    whole: Any = model
    out = whole.base_model(**inputs, attention_mask=sees[:, None], position_ids=position, use_cache=False)
    after = torch.nn.functional.pad(branch[:, 1:], (0, 1), value=-1)
    logits: torch.Tensor = whole.score(out.last_hidden_state[(branch > 0) & (branch != after)])
    return logits[:, 0].float()


def _alike(first: NDArray[Any], second: NDArray[Any]) -> int:
    """How many tokens both begin with, at most all but the last of the shorter."""
    size = min(len(first), len(second)) - 1
    differ = np.flatnonzero(first[:size] != second[:size])
    return int(differ[0]) if len(differ) else size


def _best(order: list[int], alike: list[int], lengths: list[int], width: int) -> tuple[list[Family], int]:
    """The families among sorted neighbours, and the operations that they save.

    alike[i]: tokens that order[i] and order[i + 1] begin with. All together share the least of them; where that is not
    the best, the rows part there.
    """
    if len(order) < 2:
        return [], 0
    shared, middle = min(alike), len(order) // 2
    family = Family(order, shared)
    together = family.tokens(lengths)
    saved = sum(_cost(lengths[place], width) for place in order) - _cost(together, width)
    cut = 1 + min((index for index, tokens in enumerate(alike) if tokens == shared), key=lambda i: abs(i + 1 - middle))
    before, behind = (
        _best(order[part], alike[within], lengths, width)
        for part, within in ((slice(cut), slice(cut - 1)), (slice(cut, None), slice(cut, None)))
    )
    if shared >= LEAST and together <= LONGEST and saved > before[1] + behind[1]:
        return [family], saved
    return before[0] + behind[0], before[1] + behind[1]


def _cost(tokens: int, width: int) -> int:
    """Operations of a layer, up to a factor: products with weights, and attention of each token to all of the row."""
    return tokens * (12 * width + 2 * tokens)
