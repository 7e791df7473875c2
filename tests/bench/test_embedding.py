"""Embedding: against sentence-transformers as its documentation shows it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from synpref.engines.embedder import Embedder
from tests.bench.texts import MINILM, distinct_texts, needs_model, needs_pairs
from tests.bench.turns import least_seconds, tell

TEXTS, ROUNDS, MAX_TOKENS = 600, 2, 256


@needs_model
@needs_pairs
@pytest.mark.timeout(3600)
def test_embedding_is_not_slower_than_the_library_it_stands_on() -> None:
    torch.set_num_threads(2)
    texts = distinct_texts("ultrafeedback_clean_1200", TEXTS)
    ours = Embedder.load(str(MINILM), dtype="float32", max_tokens=MAX_TOKENS, token_budget=1024)
    theirs = SentenceTransformer(str(MINILM), device="cpu")
    theirs.max_seq_length = MAX_TOKENS
    theirs.tokenizer.truncation_side = "left"
    found: dict[str, np.ndarray] = {}
    seconds = least_seconds(
        {
            "ours": lambda: found.update(ours=ours.embed(texts)),
            "sentence-transformers": lambda: found.update(theirs=np.asarray(theirs.encode(texts))),
        },
        ROUNDS,
    )
    ratio = seconds["sentence-transformers"] / seconds["ours"]
    tell("embedding / sentence-transformers", ratio=ratio, texts=str(TEXTS), texts_per_second=TEXTS / seconds["ours"])
    assert (found["ours"] * found["theirs"]).sum(axis=1).min() > 0.999
    assert ratio > 0.9
