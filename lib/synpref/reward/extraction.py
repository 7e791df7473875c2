"""Fill a feature store: tokenise responses and run the frozen layers once for each distinct response."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from synpref.engines.batching import token_budget_batches
from synpref.engines.padding import pad_batch
from synpref.engines.tokenise import Conversation, Encoded, Overlong, encode_conversations
from synpref.pairs.identity import hash128
from synpref.reward.backbones import embeddings_of, load_frozen
from synpref.reward.features import FeatureStore, Row
from synpref.reward.ids import Ids, contains, keys_of

CHUNK_BYTES = 64 * 1024 * 1024  # written at once; a chunk is all that is held in memory
TOKEN_BUDGET = 8_192  # padded tokens of one pass through the frozen layers

Responses = Iterable[tuple[list[str], list[Conversation]]]
Compute = Callable[[Sequence[Encoded]], list[Row]]


@dataclass(frozen=True)
class FeatureKind:
    """What the rows of a store are.

    fingerprint: of the backbone. frozen_layers: its first layers, run once; None: none are frozen, a row is the token
    ids themselves, int32 [tokens, 2] (id, segment). Else float32 hidden states [tokens, width].
    """

    fingerprint: str
    frozen_layers: int | None
    max_tokens: int
    overlong: Overlong

    @property
    def key(self) -> str:
        """The name of the store's folder."""
        kind = "tokens" if self.frozen_layers is None else "float32"
        return hash128("features", self.fingerprint, str(self.frozen_layers), str(self.max_tokens), self.overlong, kind)


def open_features(features_dir: Path, kind: FeatureKind) -> FeatureStore:
    """Open, or begin, the store of this kind below features_dir."""
    return FeatureStore(features_dir / kind.key)


@dataclass(frozen=True)
class Source:
    """All that filling a store needs.

    model_folder holds the backbone, or any model trained from it with these layers frozen; it is loaded only where
    something is missing. progress is told the count after each chunk.
    """

    store: FeatureStore
    kind: FeatureKind
    model_folder: Path
    tokenizer: PreTrainedTokenizerBase
    progress: Callable[[str], None] | None = None


def fill_features(source: Source, responses: Responses, only: Sequence[str] | None = None) -> int:
    """Add what the store lacks of `responses` (of those in `only`, where given); give back how many were added."""
    compute: Compute | None = None
    added = 0
    store, kind = source.store, source.kind
    asked = None if only is None else np.sort(keys_of(only))
    for ids, conversations in responses:
        keys = keys_of(ids)
        lacking = store.locate(Ids(keys)).absent
        if asked is not None:
            lacking &= contains(asked, keys)
        wanted = {ids[index]: conversations[index] for index in np.flatnonzero(lacking)}
        if not wanted:
            continue
        compute = compute or _computation(kind, source.model_folder, source.tokenizer)
        encoded = encode_conversations(source.tokenizer, list(wanted.values()), kind.max_tokens, kind.overlong)
        names = list(wanted)
        for indices, rows in _chunks(encoded, compute):
            store.append([names[index] for index in indices], rows, [encoded[index].truncated for index in indices])
            added += len(indices)
            if source.progress:
                source.progress(f"features of {added} responses")
    return added


def _computation(kind: FeatureKind, model_folder: Path, tokenizer: PreTrainedTokenizerBase) -> Compute:
    if kind.frozen_layers is None:
        return _token_rows
    frozen: Any = load_frozen(model_folder, kind.frozen_layers)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    frozen.to(device)
    known, padding = embeddings_of(frozen).num_embeddings, int(tokenizer.pad_token_id)
    padding = padding if padding < known else 0  # a new token has no embedding yet; what is masked may be any

    def states(encoded: Sequence[Encoded]) -> list[Row]:
        inputs = {name: tensor.to(device) for name, tensor in pad_batch(encoded, padding).items()}
        with torch.inference_mode():
            hidden = frozen(**inputs).last_hidden_state.float().cpu().numpy()
        return [np.array(row[: len(item.input_ids)]) for row, item in zip(hidden, encoded, strict=True)]

    return states


def _token_rows(encoded: Sequence[Encoded]) -> list[Row]:
    return [
        np.array([item.input_ids, item.token_type_ids or [0] * len(item.input_ids)], dtype=np.int32).T
        for item in encoded
    ]


def _chunks(encoded: Sequence[Encoded], compute: Compute) -> Iterator[tuple[list[int], list[Row]]]:
    """Rows with the positions in `encoded` that they belong to, about CHUNK_BYTES at a time; refused ones are empty."""
    held: list[int] = []
    rows: list[Row] = []
    size = 0
    usable = [index for index, item in enumerate(encoded) if not item.refused]
    lengths = [len(encoded[index].input_ids) for index in usable]
    for batch in token_budget_batches(lengths, TOKEN_BUDGET, len(lengths) or 1):
        indices = [usable[position] for position in batch]
        done = compute([encoded[index] for index in indices])
        held += indices
        rows += done
        size += sum(row.nbytes for row in done)
        if size >= CHUNK_BYTES:
            yield held, rows
            held, rows, size = [], [], 0
    refused = [index for index, item in enumerate(encoded) if item.refused]
    if held or refused:
        blank = rows[0][:0] if rows else compute([Encoded([0], None, truncated=False)])[0][:0]
        yield held + refused, [*rows, *([blank] * len(refused))]
