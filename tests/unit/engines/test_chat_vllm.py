"""A judge in vLLM: what is read of its answers; the model itself where vLLM and a GPU are."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from synpref.engines.chat import ChatModel
from synpref.engines.chat_vllm import Logarithm, VllmChat, read
from synpref.engines.choice import Choice
from synpref.engines.failure import OVERLONG, Failure
from synpref.engines.vllm_library import vllm_version
from synpref.errors import InputError

CHOICES = ("1", "2")
VLLM = importlib.util.find_spec("vllm") is not None
MODEL = Path(__file__).resolve().parents[3] / ".cache/models/smollm2-135m-instruct"


@dataclass
class Chance:
    """As vLLM's Logprob."""

    logprob: float
    decoded_token: str | None


@dataclass
class Written:
    """As vLLM's CompletionOutput."""

    text: str
    token_ids: Sequence[int]
    logprobs: Sequence[Mapping[int, Logarithm]] | None


def test_the_probabilities_of_the_two_choices_are_those_of_the_first_token() -> None:
    place: dict[int, Logarithm] = {
        49: Chance(math.log(0.6), "1"),
        50: Chance(math.log(0.2), "2"),
        7: Chance(-9.0, None),
    }
    found = read(Written("1", [49, 2], [place, {2: Chance(0.0, "")}]), 12, CHOICES)
    assert found.p_first == pytest.approx(0.75)
    assert found._replace(p_first=0.0) == Choice(0.0, "1", 12, 2, "first")


def test_without_probabilities_the_verdict_stands() -> None:
    assert math.isnan(read(Written("2", [50], None), 12, CHOICES).p_first)
    assert read(Written("2", [50], None), 12, CHOICES).said == "second"
    assert read(Written("", [], []), 12, CHOICES).said == "nothing"


def test_where_vllm_is_missing_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not VLLM:
        with pytest.raises(InputError, match=r"pip install synpref\[gpu\]"):
            vllm_version()
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(InputError, match=r"vLLM"):
        VllmChat.load(str(tmp_path), dtype="float32", max_tokens=8, temperature=0.0, logprobs=True, gpu_memory=0.5)


@pytest.mark.skipif(not VLLM or not torch.cuda.is_available(), reason="needs a GPU and vLLM: pip install synpref[gpu]")
@pytest.mark.skipif(not MODEL.is_dir(), reason="the small chat model is absent: run `make setup`")
def test_it_judges_as_the_same_model_in_transformers_does() -> None:
    prompts = [[{"role": "user", "content": text}] for text in ("Say 1 or 2.", "Which is larger, 1 or 2?", "x " * 999)]
    here = ChatModel.load(str(MODEL), dtype="float32", max_tokens=256, token_budget=1024).choose(prompts, CHOICES)
    there = VllmChat.load(
        str(MODEL), dtype="float32", max_tokens=256, temperature=0.0, logprobs=True, gpu_memory=0.3
    ).choose(prompts, CHOICES, [0, 0, 0])
    assert isinstance(there[2], Failure)
    assert there[2].reason == OVERLONG
    for one, other in zip(here[:2], there[:2], strict=True):
        assert isinstance(other, Choice)
        assert other.p_first == pytest.approx(one.p_first, abs=0.01)
        assert other.said == ("first" if one.p_first > 0.5 else "second")
