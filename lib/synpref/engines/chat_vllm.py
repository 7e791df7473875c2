"""A chat model in vLLM, in this process: the verdict is a constrained choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol

from synpref.engines.chat_template import ChatTemplate
from synpref.engines.choice import Alternative, Choice, Choices, first_share, said_in
from synpref.engines.failure import OVERLONG, Failure
from synpref.engines.load_checks import check_told_vocabulary
from synpref.engines.model_folder import check_model_folder, loading
from synpref.engines.passed import Passed
from synpref.engines.prompt_window import load_template, prompt_ids
from synpref.engines.rationale import INSTRUCTION, instructed, opening_ids, said_with
from synpref.engines.transcript import Messages
from synpref.engines.vllm_library import imported

_ANSWER_TOKENS = 8  # the choices are shorter
_ALTERNATIVES = 20  # as many as vLLM gives unless it is told otherwise


class Logarithm(Protocol):
    """vLLM's Logprob."""

    logprob: float
    decoded_token: str | None


class Completion(Protocol):
    """vLLM's CompletionOutput. logprobs: by place, then by token id, the sampled token among them."""

    text: str
    token_ids: Sequence[int]
    logprobs: Sequence[Mapping[int, Logarithm]] | None


@dataclass(frozen=True)
class VllmChat:
    """A loaded chat model. A prompt above max_tokens is not run: nothing of it is cut silently.

    rationale_tokens: of the sentence that is written behind a choice, at most; 0: none is.
    """

    model: Any
    template: ChatTemplate
    max_tokens: int
    temperature: float = 0.0
    logprobs: bool = True
    rationale_tokens: int = 0
    passed: Passed = field(default_factory=Passed, compare=False)
    tokenising: Lock = field(default_factory=Lock, compare=False, repr=False)  # a tokenizer serves one thread at a time

    @classmethod
    def load(
        cls,
        model_path: str,
        *,
        dtype: str,
        max_tokens: int,
        temperature: float,
        logprobs: bool,
        gpu_memory: float,
        rationale_tokens: int = 0,
    ) -> VllmChat:
        """Load a folder into the share `gpu_memory` of the GPU.

        Raises InputError where vLLM is missing, the folder cannot be used or its tokenizer has no chat template or ids
        that the model does not know. Weights that lack are refused by vLLM itself.
        """
        vllm = imported("vllm")
        folder = check_model_folder(model_path)
        template = load_template(folder)
        check_told_vocabulary(folder, template.tokenizer)
        with loading(folder):
            model = vllm.LLM(
                model=str(folder),
                dtype=dtype,
                max_model_len=max_tokens + _ANSWER_TOKENS + rationale_tokens,
                gpu_memory_utilization=gpu_memory,
                trust_remote_code=False,
            )
        return cls(model, template, max_tokens, temperature, logprobs, rationale_tokens)

    def choose(self, prompts: Sequence[Messages], choices: Choices, seeds: Sequence[int]) -> list[Choice | Failure]:
        """Ask each prompt with its seed, held to the choices; a Failure where the prompt is too long.

        With a rationale, each answer is then continued by it, drawn with the same seed: vLLM has the prompt in its
        prefix cache.
        """
        return self.choose_rows(self.prepare(prompts), choices, seeds)

    def prepare(self, prompts: Sequence[Messages]) -> list[list[int]]:
        """The part of `choose` that needs no model: the tokens of each prompt."""
        asked = [instructed(prompt, INSTRUCTION) for prompt in prompts] if self.rationale_tokens else prompts
        with self.tokenising:
            return prompt_ids(self.template, asked)

    def choose_rows(self, ids: Sequence[list[int]], choices: Choices, seeds: Sequence[int]) -> list[Choice | Failure]:
        """The rest of `choose`."""
        runs = [place for place, one in enumerate(ids) if len(one) <= self.max_tokens]
        answers: list[Choice | Failure] = [_overlong(len(one)) for one in ids]
        if runs:
            given = [{"prompt_token_ids": ids[place]} for place in runs]
            parameters = [self._parameters(choices, seeds[place]) for place in runs]
            outputs = self.model.generate(given, parameters, use_tqdm=False)
            for place, output in zip(runs, outputs, strict=True):
                answer = read(output.outputs[0], len(ids[place]), choices)
                self.passed.add(answer.tokens)
                answers[place] = answer
        if self.rationale_tokens:
            self._add_rationales(answers, ids, choices, seeds)
        return answers

    def _add_rationales(
        self, answers: list[Choice | Failure], ids: Sequence[list[int]], choices: Choices, seeds: Sequence[int]
    ) -> None:
        said = {place: answer for place, answer in enumerate(answers) if isinstance(answer, Choice)}
        chosen = [
            (place, answer, answer.said == "second") for place, answer in said.items() if answer.said != "nothing"
        ]
        if not chosen:
            return
        openings = opening_ids(self.template, choices)
        given = [{"prompt_token_ids": [*ids[place], *openings[which]]} for place, _, which in chosen]
        parameters = [self._sampling(seeds[place], self.rationale_tokens) for place, _, _ in chosen]
        outputs = self.model.generate(given, parameters, use_tqdm=False)
        for (place, answer, which), output in zip(chosen, outputs, strict=True):
            written: Completion = output.outputs[0]
            tokens = len(written.token_ids)
            self.passed.add(len(openings[which]) + tokens)
            raw = said_with(choices[which], written.text)
            answers[place] = answer._replace(raw=raw, tokens_out=(answer.tokens_out or 0) + tokens)

    def _parameters(self, choices: Choices, seed: int) -> object:
        held = imported("vllm.sampling_params").StructuredOutputsParams(choice=list(choices))
        told = _ALTERNATIVES if self.logprobs else None
        return self._sampling(seed, _ANSWER_TOKENS, logprobs=told, structured_outputs=held)

    def _sampling(self, seed: int, max_tokens: int, **more: object) -> object:
        sampling = imported("vllm.sampling_params")
        return sampling.SamplingParams(temperature=self.temperature, seed=seed, max_tokens=max_tokens, **more)


def read(output: Completion, tokens_in: int, choices: Choices) -> Choice:
    """The choice in what vLLM wrote; without probabilities where it gave none."""
    text, tokens_out = output.text, len(output.token_ids)
    said = said_in(text, choices, rationale=False)
    if said == "nothing" or not output.logprobs:
        return Choice(math.nan, text, tokens_in, tokens_out, said)
    places = list(zip(output.token_ids, output.logprobs, strict=False))
    tokens = [_word(place[token]) for token, place in places]
    alternatives: list[list[Alternative]] = [
        [(_word(one), one.logprob) for one in place.values()] for _, place in places
    ]
    return Choice(first_share(text, tokens, alternatives, choices), text, tokens_in, tokens_out, said)


def _word(logarithm: Logarithm) -> str:
    return logarithm.decoded_token or ""


def _overlong(tokens: int) -> Failure:
    return Failure(OVERLONG, f"the prompt has {tokens} tokens, more than the judge's maximum")
