"""Fill a feature store: tokenise responses and run the frozen layers once for each distinct response."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from synpref.engines.batching import token_budget_batches
from synpref.engines.padding import pad_batch
from synpref.engines.tokenise import Conversation, Encoded, Overlong, encode_conversations
from synpref.pairs.identity import hash128
from synpref.reward.backbones import embeddings_of, load_frozen
from synpref.reward.features import FeatureStore, Row
from synpref.reward.ids import Ids, Keys, keys_of

CHUNK_BYTES = 64 * 1024 * 1024  # written at once; a chunk is all that is held in memory
TOKEN_BUDGET = 2_048  # padded tokens of one pass through the frozen layers: what it holds fits a processor's caches
GPU_TOKEN_BUDGET = 8_192

Responses = Iterable[tuple[list[str], list[Conversation]]]
Compute = Callable[[Sequence[Encoded]], list[Row]]
Holds = Callable[[Keys], NDArray[np.bool_]]


@dataclass(frozen=True)
class FeatureKind:
    """What the rows of a store are.

    fingerprint: of the backbone. frozen_layers: its first layers, run once; None: none are frozen, a row is the token
    ids themselves, int32 [tokens, 2] (id, segment), or [tokens, 1] without `segments` (tokenise.gives_segments).
    Else float32 hidden states [tokens, width].
    """

    fingerprint: str
    frozen_layers: int | None
    max_tokens: int
    overlong: Overlong
    segments: bool = True

    @property
    def key(self) -> str:
        """The name of the store's folder."""
        tokens = "tokens" if self.segments else "ids"
        kind = tokens if self.frozen_layers is None else "float32"
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


def fill_features(source: Source, responses: Responses, only: Holds | None = None, *, look: bool = True) -> int:
    """Add what the store lacks of `responses`; give back how many were added.

    What the tokenisation refuses, too long or of roles that the chat template refuses, is held as a row of no tokens.
    only: tells which of some keys are wanted; None: all. look: at what others have appended, once. A chunk gathers rows
    of several parts of `responses`.
    """
    compute: Compute | None = None
    held = _Chunk(source)
    store, kind = source.store, source.kind
    if look:  # not for every part or chunk: listing the folder would take time by the square of the chunks
        store.refresh()
    for ids, conversations in responses:
        keys = keys_of(ids)
        lacking = np.array([index for rows in store.find(Ids(keys)).absent() for index in rows], dtype=np.int64)
        if only is not None:
            lacking = lacking[only(keys[lacking])]
        wanted = {ids[index]: conversations[index] for index in lacking}
        if not wanted:
            continue
        compute = compute or _computation(kind, source.model_folder, source.tokenizer)
        talks = list(wanted.values())
        encoded = encode_conversations(source.tokenizer, talks, kind.max_tokens, kind.overlong, refuse_roles=True)
        names = list(wanted)
        for indices, rows in _batches(encoded, compute):
            held.take([names[index] for index in indices], rows, [encoded[index].truncated for index in indices])
    held.write()
    return held.added


@dataclass
class _Chunk:
    """Rows that are about to be appended to the store."""

    source: Source
    added: int = 0
    _names: list[str] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)
    _cut: list[bool] = field(default_factory=list)
    _bytes: int = 0

    def take(self, names: list[str], rows: list[Row], cut: list[bool]) -> None:
        self._names += names
        self._rows += rows
        self._cut += cut
        self._bytes += sum(row.nbytes for row in rows)
        if self._bytes >= CHUNK_BYTES:
            self.write()

    def write(self) -> None:
        if not self._names:
            return
        self.source.store.append(self._names, self._rows, self._cut)
        self.added += len(self._names)
        self._names, self._rows, self._cut, self._bytes = [], [], [], 0
        if self.source.progress:
            self.source.progress(f"features of {self.added} responses")


def _computation(kind: FeatureKind, model_folder: Path, tokenizer: PreTrainedTokenizerBase) -> Compute:
    if kind.frozen_layers is None:
        return _token_rows if kind.segments else _id_rows
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


def _id_rows(encoded: Sequence[Encoded]) -> list[Row]:
    return [np.array(item.input_ids, dtype=np.int32)[:, None] for item in encoded]


def _batches(encoded: Sequence[Encoded], compute: Compute) -> Iterator[tuple[list[int], list[Row]]]:
    """Rows with the positions in `encoded` that they belong to, as they are computed; refused ones are empty."""
    blank: Row | None = None
    usable = [index for index, item in enumerate(encoded) if not item.refused]
    lengths = [len(encoded[index].input_ids) for index in usable]
    budget = GPU_TOKEN_BUDGET if torch.cuda.is_available() else TOKEN_BUDGET
    for batch in token_budget_batches(lengths, budget, len(lengths) or 1):
        indices = [usable[position] for position in batch]
        rows = compute([encoded[index] for index in indices])
        blank = rows[0][:0]
        yield indices, rows
    refused = [index for index, item in enumerate(encoded) if item.refused]
    if refused:
        blank = compute([Encoded([0], None, truncated=False)])[0][:0] if blank is None else blank
        yield refused, [blank] * len(refused)
