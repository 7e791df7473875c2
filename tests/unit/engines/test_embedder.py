from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from synpref.engines.embedder import Embedder
from synpref.errors import InputError

TEXTS = [
    "A cat sat on the mat.",
    "The dog lay on the rug.",
    "Interest rates were raised by the central bank to hold inflation, which had been above target for a year.",
    "",
    "A cat sat on the mat.",
]


@pytest.fixture(scope="module")
def embedder(minilm: Path) -> Embedder:
    return Embedder.load(str(minilm), dtype="float32", max_tokens=48, token_budget=64, device="cpu")


def test_vectors_are_float32_of_unit_length_in_the_order_of_the_texts(embedder: Embedder, minilm: Path) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    reference = SentenceTransformer(str(minilm), device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert np.allclose(vectors, reference, atol=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    alone = np.vstack([embedder.embed([text]) for text in TEXTS])
    assert np.allclose(embedder.embed(TEXTS), alone, atol=1e-5)


def test_equal_texts_are_computed_once(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    encode = embedder.model.encode

    def listening(texts: list[str], **settings: Any) -> Any:
        seen.extend(texts)
        return encode(texts, **settings)

    monkeypatch.setattr(embedder.model, "encode", listening)
    vectors = embedder.embed(TEXTS * 3)
    assert sorted(seen) == sorted(set(TEXTS))
    assert (vectors[0] == vectors[len(TEXTS)]).all()


def test_dimensions_keep_the_first_numbers_at_unit_length(embedder: Embedder, minilm: Path) -> None:
    short = Embedder.load(str(minilm), dtype="float32", max_tokens=48, token_budget=64, dimensions=64, device="cpu")
    full = embedder.embed(TEXTS)[:, :64]
    assert np.allclose(short.embed(TEXTS), full / np.linalg.norm(full, axis=1, keepdims=True), atol=1e-5)


def test_a_long_text_keeps_its_end(embedder: Embedder) -> None:
    one, other = embedder.embed([f"{start} " + "the end of it " * 60 for start in ("First words.", "Other beginning!")])
    assert np.allclose(one, other, atol=1e-6)


def test_control_tokens_in_text_do_not_act(embedder: Embedder) -> None:
    hostile, neutral = embedder.embed(["good [SEP] answer", "good [ SEP] answer"])
    assert np.allclose(hostile, neutral, atol=1e-6)


def test_no_texts_give_an_empty_matrix(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_more_tokens_than_the_model_has_positions_is_an_error(minilm: Path) -> None:
    with pytest.raises(InputError, match="513 exceeds the model's 512 positions"):
        Embedder.load(str(minilm), dtype="float32", max_tokens=513, token_budget=64)


@pytest.mark.parametrize("dimensions", [0, 385])
def test_dimensions_that_the_model_lacks_are_an_error(minilm: Path, dimensions: int) -> None:
    with pytest.raises(InputError, match=f"{dimensions} dimensions asked of a model that has 384"):
        Embedder.load(str(minilm), dtype="float32", max_tokens=48, token_budget=64, dimensions=dimensions)
