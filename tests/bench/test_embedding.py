"""Embedding: against sentence-transformers as its documentation shows it, each in its best number format."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from synpref.engines.device import choose_dtype
from synpref.engines.embedder import Embedder
from tests.bench.texts import MINILM, distinct_texts, needs_model, needs_pairs
from tests.bench.turns import FORMATS, has_amx, least_seconds, quickest, tell_model

TEXTS, ROUNDS, MAX_TOKENS, BUDGET = 600, 2, 256, 1024
SAMPLE = 32  # texts by which the library's best format is found
LEAST_COSINE = {"float32": 0.999, "bfloat16": 0.99, "float16": 0.99, "int8": 0.99}  # to the library in float32
OPENVINO = importlib.util.find_spec("openvino") is not None


@needs_model
@needs_pairs
@pytest.mark.timeout(3600)
def test_embedding_is_faster_than_the_library_it_stands_on() -> None:
    torch.set_num_threads(2)
    texts = distinct_texts("ultrafeedback_clean_1200", TEXTS)
    theirs = {dtype: _library(dtype) for dtype in FORMATS}
    best = quickest({dtype: partial(theirs[dtype].encode, texts[:SAMPLE]) for dtype in FORMATS})
    measured = choose_dtype("cpu").dtype
    tried = [("torch", measured), *([("openvino", measured), ("openvino", "int8")] if OPENVINO else [])]
    ours = {f"{backend} {dtype}": _embedder(backend, dtype) for backend, dtype in tried}
    found: dict[str, np.ndarray] = {}

    def way(name: str, embed: Callable[[list[str]], object]) -> Callable[[], None]:
        return lambda: found.update({name: np.asarray(embed(texts))})

    ways = {name: way(name, embedder.embed) for name, embedder in ours.items()}
    seconds = least_seconds({**ways, "library": way("library", theirs[best].encode)}, ROUNDS)
    exact = np.asarray(theirs["float32"].encode(texts))
    transformer: Any = theirs["float32"][0]
    cosines: dict[str, float] = {}
    for name, embedder in ours.items():
        tokens = embedder.passed.tokens // ROUNDS
        cosines[name] = float((found[name] * exact).sum(axis=1).min())
        tell_model(
            f"embedding / sentence-transformers, {name}", transformer.auto_model, dtype=name.split()[1],
            seconds=seconds[name], tokens=tokens, ratio=seconds["library"] / seconds[name], texts=str(TEXTS),
            texts_per_second=TEXTS / seconds[name], least_cosine=cosines[name], library_dtype=best,
        )  # fmt: skip
    assert {name: cosine for name, cosine in cosines.items() if cosine <= LEAST_COSINE[name.split()[1]]} == {}
    assert seconds["library"] / min(seconds[name] for name in ours) >= (3 if has_amx() else 1.5)


def _library(dtype: str) -> Any:
    loaded: Any = SentenceTransformer(str(MINILM), device="cpu", model_kwargs={"dtype": getattr(torch, dtype)})
    loaded.max_seq_length = MAX_TOKENS
    loaded.tokenizer.truncation_side = "left"
    return loaded


def _embedder(backend: Any, dtype: str) -> Embedder:
    return Embedder.load(str(MINILM), dtype=dtype, max_tokens=MAX_TOKENS, token_budget=BUDGET, backend=backend)
