"""Texts to unit vectors, through sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synpref.engines.batching import token_budget_batches
from synpref.engines.chat_template import control_tokens
from synpref.engines.device import default_device
from synpref.engines.distinct import distinct
from synpref.engines.hostile import neutralise_tokens
from synpref.engines.model_folder import check_max_tokens, check_model_folder, loading
from synpref.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class Embedder:
    """A loaded embedder. Tokenisation, prompts and pooling are those of the model folder."""

    model: SentenceTransformer
    token_budget: int
    dimensions: int

    @classmethod
    def load(
        cls,
        model_path: str,
        *,
        dtype: str,
        max_tokens: int,
        token_budget: int,
        dimensions: int | None = None,
        device: str | None = None,
    ) -> Embedder:
        """Load a folder. dimensions: keep this many of a Matryoshka vector's first numbers; None keeps all.

        Texts above max_tokens lose their beginning: the last turns stay (paper.md §10.1). Raises InputError where the
        folder cannot be used, or asks for more tokens or dimensions than the model has.
        """
        import torch
        from sentence_transformers import SentenceTransformer

        folder = check_model_folder(model_path)
        with loading(folder):
            model = SentenceTransformer(
                str(folder),
                device=device or default_device(),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
            )
        full = model.get_embedding_dimension() or 0
        if dimensions is not None and not 0 < dimensions <= full:
            raise InputError(f"{folder}: {dimensions} dimensions asked of a model that has {full}")
        check_max_tokens(folder, model.config, max_tokens)
        model.max_seq_length = max_tokens
        model.tokenizer.truncation_side = "left"
        return cls(model, token_budget, dimensions or full)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: float32 of shape (texts, dimensions), each of unit length. Equal texts are computed once."""
        unique, index = distinct(texts)
        vectors = np.zeros((len(unique), self.dimensions), dtype=np.float32)
        if not unique:
            return vectors
        hidden = control_tokens(self.model.tokenizer)
        clean = [neutralise_tokens(text, hidden) for text in unique]
        for batch in token_budget_batches(self._lengths(clean), self.token_budget, window=len(clean)):
            whole = self.model.encode(
                [clean[place] for place in batch], batch_size=len(batch), show_progress_bar=False, convert_to_numpy=True
            )
            vectors[batch] = whole[:, : self.dimensions]
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit[index]

    def _lengths(self, texts: list[str]) -> list[int]:
        tokenizer: Any = self.model.tokenizer
        limit = self.model.max_seq_length
        encoded = tokenizer(texts, padding=False, truncation=True, max_length=limit, return_attention_mask=False)
        return [len(ids) for ids in encoded["input_ids"]]
