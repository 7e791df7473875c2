"""Fill a feature store: tokenise responses and run the frozen layers once for each distinct response."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synpref.engines.batching import token_budget_batches
from synpref.engines.padding import pad_batch
from synpref.engines.tokenise import Conversation, Encoded, Overlong, encode_conversations
from synpref.pairs.identity import hash128
from synpref.reward.backbones import load_frozen
from synpref.reward.features import FeatureStore, Row

CHUNK_BYTES = 64 * 1024 * 1024  # written at once; a chunk is all that is held in memory
TOKEN_BUDGET = 8_192  # padded tokens of one pass through the frozen layers

Responses = Iterable[tuple[list[str], list[Conversation]]]


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


def fill_features(
    store: FeatureStore,
    kind: FeatureKind,
    model_folder: Path,
    tokenizer: Any,
    responses: Responses,
    progress: Callable[[str], None] | None = None,
) -> int:
    """Add what the store lacks of `responses`; give back how many were added.

    model_folder holds the backbone, or any model trained from it with these layers frozen; it is loaded only where
    something is missing. progress is told the count after each chunk.
    """
    compute: Callable[[Sequence[Encoded]], list[Row]] | None = None
    added = 0
    for ids, conversations in responses:
        absent = store.missing(ids)
        wanted = {name: talk for name, talk in zip(ids, conversations, strict=True) if name in absent}
        if not wanted:
            continue
        compute = compute or _computation(kind, model_folder, tokenizer)
        encoded = encode_conversations(tokenizer, list(wanted.values()), kind.max_tokens, kind.overlong)
        for names, rows in _chunks(list(wanted), encoded, compute):
            store.append(names, rows)
            added += len(names)
            if progress:
                progress(f"features of {added} responses")
    return added


def _computation(kind: FeatureKind, model_folder: Path, tokenizer: Any) -> Callable[[Sequence[Encoded]], list[Row]]:
    if kind.frozen_layers is None:
        return _token_rows
    frozen = load_frozen(model_folder, kind.frozen_layers)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    frozen.to(device)
    known = frozen.get_input_embeddings().num_embeddings
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id < known else 0  # a new token; what is masked may be any

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


def _chunks(
    names: list[str], encoded: Sequence[Encoded], compute: Callable[[Sequence[Encoded]], list[Row]]
) -> Iterator[tuple[list[str], list[Row]]]:
    held: list[str] = []
    rows: list[Row] = []
    size = 0
    usable = [index for index, item in enumerate(encoded) if not item.refused]
    lengths = [len(encoded[index].input_ids) for index in usable]
    for batch in token_budget_batches(lengths, TOKEN_BUDGET, len(lengths) or 1):
        indices = [usable[position] for position in batch]
        done = compute([encoded[index] for index in indices])
        held += [names[index] for index in indices]
        rows += done
        size += sum(row.nbytes for row in done)
        if size >= CHUNK_BYTES:
            yield held, rows
            held, rows, size = [], [], 0
    refused = [names[index] for index, item in enumerate(encoded) if item.refused]
    if held or refused:
        blank = rows[0][:0] if rows else compute([Encoded([0], None, truncated=False)])[0][:0]
        yield held + refused, [*rows, *([blank] * len(refused))]
