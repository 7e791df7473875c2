"""A judge in vLLM: what is read of its answers; the model itself where vLLM and a GPU are."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from synpref.engines import chat_vllm
from synpref.engines.chat import ChatModel
from synpref.engines.chat_vllm import Logarithm, VllmChat, read
from synpref.engines.choice import Choice
from synpref.engines.failure import OVERLONG, Failure
from synpref.engines.prompt_window import load_template
from synpref.engines.rationale import INSTRUCTION, instructed
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


class Offline:
    """Answers as vLLM's LLM does: the choice where it is held to one, else a sentence; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[int], dict[str, Any]]] = []

    def generate(self, given: list[dict[str, list[int]]], how: list[dict[str, Any]], *, use_tqdm: bool) -> list[Any]:
        assert not use_tqdm
        self.asked += [(one["prompt_token_ids"], parameters) for one, parameters in zip(given, how, strict=True)]
        return [SimpleNamespace(outputs=[self.answer(parameters)]) for parameters in how]

    def answer(self, parameters: dict[str, Any]) -> Written:
        if "structured_outputs" not in parameters:
            return Written(" It is\nright. ", [7, 8, 9], None)
        return Written("12"[parameters["seed"] % 2] if parameters["seed"] < 4 else "", [49], None)


def test_a_rationale_is_written_behind_the_choice_with_the_same_seed(
    chat_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = SimpleNamespace(SamplingParams=dict, StructuredOutputsParams=dict)
    monkeypatch.setattr(chat_vllm, "imported", lambda _: known)
    template = load_template(chat_folder)
    prompts = [[{"role": "user", "content": text}] for text in ("a", "b", "x" * 900, "c")]
    model = Offline()
    answers = VllmChat(model, template, 400, 0.7, rationale_tokens=11).choose(prompts, CHOICES, [2, 3, 0, 4])
    assert isinstance(answers[2], Failure)
    told = [(one.said, one.raw, one.tokens_out) for one in answers if isinstance(one, Choice)]
    assert told == [("first", "1. It is right.", 4), ("second", "2. It is right.", 4), ("nothing", "", 1)]
    first, rest = model.asked[:3], model.asked[3:]
    assert all(one["structured_outputs"] == {"choice": ["1", "2"]} for _, one in first)
    assert [one for _, one in rest] == [{"temperature": 0.7, "seed": seed, "max_tokens": 11} for seed in (2, 3)]
    texts = [template.render(instructed(prompt, INSTRUCTION), open_answer=True) for prompt in prompts]
    assert [template.tokenizer.decode(ids) for ids, _ in first] == [texts[0], texts[1], texts[3]]
    assert [template.tokenizer.decode(ids) for ids, _ in rest] == [f"{texts[0]}1.", f"{texts[1]}2."]
    silent = Offline()
    (plain,) = VllmChat(silent, template, 400).choose(prompts[:1], CHOICES, [2])
    assert isinstance(plain, Choice)
    assert (plain.raw, len(silent.asked)) == ("1", 1)


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
