from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
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


def load(folder: Path, **options: Any) -> Embedder:
    plain: dict[str, Any] = {"dtype": "float32", "max_tokens": 48, "token_budget": 64, "device": "cpu"}
    return Embedder.load(str(folder), **plain | options)


@pytest.fixture(scope="module")
def embedder(minilm: Path) -> Embedder:
    return load(minilm)


def test_vectors_are_float32_of_unit_length_in_the_order_of_the_texts(embedder: Embedder, minilm: Path) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    reference = SentenceTransformer(str(minilm), device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert np.allclose(vectors, reference, atol=1e-5)


def test_a_further_module_with_weights_as_pickle_only_is_refused(minilm: Path, tmp_path: Path) -> None:
    for part in minilm.iterdir():
        (tmp_path / part.name).symlink_to(part)
    (tmp_path / "modules.json").unlink()
    dense = tmp_path / "2_Dense"
    dense.mkdir()
    (tmp_path / "modules.json").write_text('[{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Dense"}]')
    torch.save({}, dense / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"2_Dense: only pytorch_model\.bin, which could run code"):
        load(tmp_path)
    (tmp_path / "modules.json").write_text("{")
    with pytest.raises(InputError, match=r"modules\.json cannot be read as a list of modules"):
        load(tmp_path)


def test_a_vector_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    alone = np.vstack([embedder.embed([text]) for text in TEXTS])
    assert np.allclose(embedder.embed(TEXTS), alone, atol=1e-5)


def test_equal_texts_are_computed_and_counted_once(embedder: Embedder) -> None:
    before = embedder.passed.tokens
    vectors = embedder.embed(TEXTS * 3)
    lengths = [len(ids) for ids in embedder.tokeniser.tokenizer(sorted(set(TEXTS)))["input_ids"]]
    assert embedder.passed.tokens - before == sum(lengths)
    assert (vectors[0] == vectors[len(TEXTS)]).all()


def test_dimensions_keep_the_first_numbers_at_unit_length(embedder: Embedder, minilm: Path) -> None:
    short = Embedder.load(str(minilm), dtype="float32", max_tokens=48, token_budget=64, dimensions=64, device="cpu")
    full = embedder.embed(TEXTS)[:, :64]
    assert np.allclose(short.embed(TEXTS), full / np.linalg.norm(full, axis=1, keepdims=True), atol=1e-5)


def test_a_long_text_keeps_its_end(embedder: Embedder) -> None:
    one, other = embedder.embed([f"{start} " + "the end of it " * 60 for start in ("First words.", "Other beginning!")])
    assert np.allclose(one, other, atol=1e-6)


def test_a_text_that_loses_its_beginning_is_counted_and_cut_as_the_library_cuts(
    embedder: Embedder, minilm: Path
) -> None:
    texts = ["short", "a long text " * 60, "another long text " * 60]
    before = embedder.passed.cut
    vectors = embedder.embed(texts)
    assert embedder.passed.cut - before == 2
    reference = SentenceTransformer(str(minilm), device="cpu")
    reference.max_seq_length = 48
    reference.tokenizer.truncation_side = "left"
    assert np.allclose(vectors, reference.encode(texts, normalize_embeddings=True), atol=1e-5)


def test_under_refuse_a_long_text_is_not_run_and_its_row_is_no_vector(minilm: Path) -> None:
    strict = load(minilm, overlong="refuse")
    vectors = strict.embed(["short", "a long text " * 60])
    assert np.isfinite(vectors[0]).all()
    assert np.isnan(vectors[1]).all()
    assert (strict.passed.tokens, strict.passed.cut) == (3, 0)


def test_a_vector_that_is_no_number_does_not_read_as_a_refusal(minilm: Path) -> None:
    def nothing(features: dict[str, Any]) -> dict[str, Any]:
        return {"sentence_embedding": torch.full((len(features["input_ids"]), 384), float("nan"))}

    broken = replace(load(minilm), forward=nothing)
    assert np.isinf(broken.embed(["one text"])).all()


PROMPT = "Represent this: "


def test_a_prompt_stands_before_every_text_as_the_library_has_it(minilm: Path) -> None:
    vectors = load(minilm, prompt=PROMPT).embed(TEXTS)
    reference = SentenceTransformer(str(minilm), device="cpu")
    assert np.allclose(vectors, reference.encode(TEXTS, prompt=PROMPT, normalize_embeddings=True), atol=1e-5)


def test_a_prompt_of_the_model_is_taken_by_its_name_or_by_default(minilm: Path, tmp_path: Path) -> None:
    saved = SentenceTransformer(str(minilm), device="cpu")
    saved.prompts = {"clustering": PROMPT, "empty": ""}
    saved.default_prompt_name = "clustering"
    saved.save(str(tmp_path))
    expected = load(minilm, prompt=PROMPT).embed(TEXTS)
    assert np.allclose(load(tmp_path, prompt_name="clustering").embed(TEXTS), expected, atol=1e-6)
    assert np.allclose(load(tmp_path).embed(TEXTS), expected, atol=1e-6)
    assert np.allclose(load(tmp_path, prompt="").embed(TEXTS), load(minilm).embed(TEXTS), atol=1e-6)
    with pytest.raises(InputError, match="no prompt 'empty'; there are clustering"):
        load(tmp_path, prompt_name="empty")


def test_a_long_text_loses_its_own_beginning_and_not_the_prompt(minilm: Path) -> None:
    rows = load(minilm, prompt=PROMPT).prepare(["First words. " + "the end of it " * 60, "short"])
    long, short = (row.input_ids for row in rows.encoded)
    assert len(long) == 48
    assert long[:4] == short[:4]
    assert long[-1] == short[-1]


def test_pooling_may_leave_the_prompt_out(minilm: Path, tmp_path: Path) -> None:
    saved = SentenceTransformer(str(minilm), device="cpu")
    saved.set_pooling_include_prompt(False)
    saved.save(str(tmp_path))
    reference = saved.encode(TEXTS[:3], prompt=PROMPT, normalize_embeddings=True)
    assert np.allclose(load(tmp_path, prompt=PROMPT).embed(TEXTS[:3]), reference, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": "word " * 50}, "the prompt has 52 tokens, max_tokens 48 leaves no room"),
        ({"prompt": PROMPT, "prompt_name": "query"}, "give one of the two"),
        ({"prompt_name": "query"}, "no prompt 'query'; it has none"),
        ({"dtype": "int8"}, "int8 is a number format of the backend openvino"),
    ],
)
def test_what_cannot_be_is_an_error(minilm: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(minilm, **options)


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
