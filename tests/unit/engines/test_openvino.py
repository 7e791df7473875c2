"""The backend openvino of the embedder. Most of it needs the extra of that name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synpref.engines import openvino_model
from synpref.engines.cards import embedder_card
from synpref.engines.embedder import Embedder
from synpref.errors import EngineError, InputError

TEXTS = ["A cat sat on the mat.", "", "Interest rates were raised by the central bank to hold inflation. " * 9, "dog"]
HERE = importlib.util.find_spec("openvino") is not None and importlib.util.find_spec("nncf") is not None
needs_openvino = pytest.mark.skipif(not HERE, reason="the extra openvino is not installed")


def load(folder: Path, **options: Any) -> Embedder:
    plain: dict[str, Any] = {"dtype": "float32", "max_tokens": 48, "token_budget": 64, "device": "cpu"}
    return Embedder.load(str(folder), **plain | options)


@needs_openvino
@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.99999), ("int8", 0.99)])
def test_vectors_are_those_of_torch_and_do_not_depend_on_their_neighbours(
    minilm: Path, dtype: str, least: float
) -> None:
    compiled = load(minilm, backend="openvino", dtype=dtype)
    vectors = compiled.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert (vectors * load(minilm).embed(TEXTS)).sum(axis=1).min() > least
    alone = np.vstack([compiled.embed([text]) for text in TEXTS])
    assert (vectors * alone).sum(axis=1).min() > 0.9999
    assert compiled.passed.cut == 2
    assert sys.modules["openvino_telemetry"] is None  # neither library could report to its maker


@needs_openvino
def test_a_conversion_that_is_not_what_torch_computes_is_refused(minilm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_model, "LEAST_COSINE", 1.1)
    with pytest.raises(EngineError, match=r"agree with those of torch to a cosine of [01]\.\d+ only"):
        load(minilm, backend="openvino")


def test_agreement_below_the_least_or_unknown_is_an_error() -> None:
    one, other = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    openvino_model._check(Path("model"), one, one)
    for found in (other, torch.full((2, 2), float("nan"))):
        with pytest.raises(EngineError, match="model: vectors by OpenVINO"):
            openvino_model._check(Path("model"), found, one)


@pytest.mark.skipif(HERE, reason="OpenVINO is installed")
def test_without_the_extra_the_model_and_its_card_say_how_to_get_it(minilm: Path) -> None:
    with pytest.raises(InputError, match=r"pip install synpref\[openvino\]"):
        load(minilm, backend="openvino")
    with pytest.raises(InputError, match=r"pip install synpref\[openvino\]"):
        embedder_card("e", str(minilm), dtype="int8", max_tokens=48, dimensions=None, backend="openvino")
