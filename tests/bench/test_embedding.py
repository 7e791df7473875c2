"""Embedding: against sentence-transformers as its documentation shows it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from synpref.engines.embedder import Embedder
from tests.bench.texts import MINILM, distinct_texts, needs_model, needs_pairs
from tests.bench.turns import encoder_flops, has_amx, least_seconds, matmul_peak, tell

TEXTS, ROUNDS, MAX_TOKENS, BUDGET = 600, 2, 256, 1024
LEAST_COSINE = {"torch float32": 0.999, "openvino float32": 0.999, "openvino int8": 0.99}
OPENVINO = importlib.util.find_spec("openvino") is not None


@needs_model
@needs_pairs
@pytest.mark.timeout(3600)
def test_embedding_is_faster_than_the_library_it_stands_on() -> None:
    torch.set_num_threads(2)
    texts = distinct_texts("ultrafeedback_clean_1200", TEXTS)
    theirs = SentenceTransformer(str(MINILM), device="cpu")
    theirs.max_seq_length = MAX_TOKENS
    theirs.tokenizer.truncation_side = "left"
    ours = {name: _embedder(*name.split()) for name in LEAST_COSINE if OPENVINO or name.startswith("torch")}
    found: dict[str, np.ndarray] = {}

    def way(name: str, embed: Callable[[list[str]], object]) -> Callable[[], None]:
        return lambda: found.update({name: np.asarray(embed(texts))})

    ways = {name: way(name, embedder.embed) for name, embedder in ours.items()}
    seconds = least_seconds({**ways, "library": way("library", theirs.encode)}, ROUNDS)
    transformer: Any = theirs[0]
    config = transformer.auto_model.config
    cosines: dict[str, float] = {}
    for name, embedder in ours.items():
        tokens = embedder.passed.tokens // ROUNDS
        flops = encoder_flops(tokens, config.num_hidden_layers, config.hidden_size, config.intermediate_size)
        cosines[name] = float((found[name] * found["library"]).sum(axis=1).min())
        tell(
            f"embedding / sentence-transformers, {name}", ratio=seconds["library"] / seconds[name], texts=str(TEXTS),
            texts_per_second=TEXTS / seconds[name], tokens_per_second=tokens / seconds[name],
            least_cosine=cosines[name], of_matmul_peak=flops / seconds[name] / matmul_peak(),
        )  # fmt: skip
    assert {name: cosine for name, cosine in cosines.items() if cosine <= LEAST_COSINE[name]} == {}
    assert seconds["library"] / min(seconds[name] for name in ours) >= (3 if has_amx() else 1.5)


def _embedder(backend: Any, dtype: str) -> Embedder:
    return Embedder.load(str(MINILM), dtype=dtype, max_tokens=MAX_TOKENS, token_budget=BUDGET, backend=backend)
