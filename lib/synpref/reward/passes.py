"""Rows of a feature store as tensors, padded or end to end: what a model computes in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from synpref.engines.batching import token_budget_batches
from synpref.engines.packing import packed_batches
from synpref.reward.branches import branched, families
from synpref.reward.features import FeatureStore
from synpref.reward.graph import Batch
from synpref.reward.places import Places
from synpref.reward.upper import PairwiseLoss, Upper

SCORING_TOKENS = 16_384  # tokens, padding included, of one pass without gradients
SLACK = 1.25  # responses of one pass: the longest has at most so many times the tokens of the shortest
FULL_PASS = {"cpu": 1_024, "cuda": 16_384}  # padded tokens below which another pass costs more than padding does


class Stored(NamedTuple):
    """Responses of a store by number."""

    store: FeatureStore
    places: Places

    @classmethod
    def of(cls, store: FeatureStore, response_ids: Sequence[str]) -> Stored:
        """Look the responses up once. Raises KeyError where one is not held."""
        return cls(store, store.held(response_ids))


def length_groups(lengths: Sequence[int], full: int) -> list[list[int]]:
    """Cut responses into passes of similar length, longest first: padding is computed for nothing.

    full: padded tokens from which on a pass may end. Every index comes once.
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        longest = lengths[groups[-1][0]] if groups else 0
        if groups and (longest <= SLACK * lengths[index] or longest * len(groups[-1]) < full):
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


class Pass(NamedTuple):
    """What a model computes at once. places: in the batch, in the order of rewards. rows, mask: of Upper.forward."""

    places: list[int]
    rows: torch.Tensor
    mask: torch.Tensor


def load_batch(
    stored: Stored, batch: Batch, upper: Upper, device: torch.device, *, at_once: bool = False
) -> dict[str, Any]:
    """Read the responses of a batch: the arguments of PairwiseLoss, on the device.

    Responses to one prompt share a row, or all lie end to end in one pass, where `upper` takes that. at_once: in one
    pass whatever it pads, since processes that share a sharded model must make equally many.
    """
    full = FULL_PASS.get(device.type, FULL_PASS["cuda"])
    passes = list(_passes(stored, batch.responses, upper, None if at_once else full))
    position = np.empty(len(batch.responses), dtype=np.int64)
    position[[place for one in passes for place in one.places]] = np.arange(len(batch.responses))
    return {
        "rows": [one.rows.to(device) for one in passes],
        "mask": [one.mask.to(device) for one in passes],
        "chosen": torch.from_numpy(position[batch.chosen]).to(device),
        "rejected": torch.from_numpy(position[batch.rejected]).to(device),
    }


def _passes(stored: Stored, numbers: NDArray[np.int64], upper: Upper, full: int | None) -> Iterator[Pass]:
    left = list(range(len(numbers)))
    if upper.packs or full is None:
        yield Pass(left, *(pack_rows if upper.packs else pad_rows)(stored, numbers))
        return
    if upper.branches:
        rows: list[NDArray[Any]] = [stored.store.row(stored.places, number) for number in numbers]
        shared = families([row[:, 0] for row in rows], upper.width)
        sizes = [len(row) for row in rows]
        for group in length_groups([family.tokens(sizes) for family in shared], full):
            chosen = [shared[index] for index in group]
            yield Pass([place for family in chosen for place in family.members], *branched(rows, chosen))
        left = sorted(set(left) - {place for family in shared for place in family.members})
    lengths = stored.places.length[numbers[left]].tolist()
    for group in length_groups(lengths, full):
        places = [left[index] for index in group]
        yield Pass(places, *pad_rows(stored, numbers[places]))


def pad_rows(stored: Stored, numbers: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of a store as one tensor [responses, longest, width], zeros behind, and its mask [responses, longest]."""
    found = [torch.from_numpy(np.array(stored.store.row(stored.places, number))) for number in numbers]
    rows = torch.nn.utils.rnn.pad_sequence(found, batch_first=True)
    lengths = torch.tensor([len(row) for row in found])
    return rows, (torch.arange(rows.shape[1])[None, :] < lengths[:, None]).long()


def pack_rows(stored: Stored, numbers: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of a store end to end [1, all tokens, width], and the tokens of each."""
    found = [torch.from_numpy(np.array(stored.store.row(stored.places, number))) for number in numbers]
    return torch.cat(found)[None], torch.tensor([len(row) for row in found])


def score(model: PairwiseLoss, stored: Stored, rank: int = 0, processes: int = 1) -> NDArray[np.float32]:
    """Rewards of the stored responses in their order; the mode of the model stays as it was.

    A response that was refused gets 0. With several processes each computes its share and leaves 0 for the rest: their
    sum is the whole. All make equally many passes, since a sharded model needs all processes for each.
    """
    device = next(model.parameters()).device
    usable = np.flatnonzero(stored.places.length)
    lengths = stored.places.length[usable].tolist()
    rewards = np.zeros(len(stored.places), dtype=np.float32)
    packs = model.upper.packs
    padded = token_budget_batches(lengths, SCORING_TOKENS, len(lengths) or 1)
    batches = list(packed_batches(lengths, SCORING_TOKENS) if packs else padded)
    rounds = -(-len(batches) // processes)
    training = model.training
    model.eval()
    with torch.no_grad():
        for turn in range(rounds):
            index = turn * processes + rank
            numbers = usable[batches[min(index, len(batches) - 1)]]
            rows, mask = (pack_rows if packs else pad_rows)(stored, numbers)
            found = model(rows=[rows.to(device)], mask=[mask.to(device)])["rewards"].float().cpu().numpy()
            if index < len(batches):
                rewards[numbers] = found
    model.train(training)
    return rewards
