"""A chat model behind an OpenAI-compatible server: the verdict is a constrained choice, said first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from synpref.engines.choice import FIELD, Alternative, Choice, Choices, first_share, said_in
from synpref.engines.failure import DETAIL_CHARACTERS, ENGINE_UNREACHABLE, PASSING, SERVER_REFUSED, Failure
from synpref.engines.json_server import JsonServer
from synpref.engines.passed import Passed, Repairs
from synpref.engines.rationale import INSTRUCTION, RATIONALE_TOKENS, instructed
from synpref.engines.transcript import Messages
from synpref.errors import EngineError, InputError

Structured: TypeAlias = Literal["choice", "json_schema", "none"]

CORRECTION = "Your reply does not begin with a verdict. Reply again, with nothing before it: 1 or 2."
_VERDICT_TOKENS = 32  # a number, or an object that holds one
_ALTERNATIVES = 20  # as many as servers give at most
_USAGE = ("prompt_tokens", "completion_tokens")
_LIMIT, _NEWER_LIMIT = "max_tokens", "max_completion_tokens"  # newer models of OpenAI refuse the former


@dataclass(frozen=True)
class HttpChat:
    """model: the name that the server knows it by. structured: how the answer is held to the choices.

    `choice` is vLLM's field structured_outputs, `json_schema` OpenAI's response_format, `none` only asks in words.
    logprobs: ask for the probabilities of tokens. rationale: one sentence after the verdict, which `choice` leaves no
    room for (InputError); rationale_tokens: how many more tokens it may take.
    """

    server: JsonServer
    model: str
    structured: Structured = "choice"
    temperature: float = 0.0
    logprobs: bool = True
    rationale: bool = False
    rationale_tokens: int = RATIONALE_TOKENS
    passed: Passed = field(default_factory=Passed, compare=False)
    # what the server calls the number of tokens that it may write
    _limit: dict[str, str] = field(default_factory=lambda: {"name": _LIMIT}, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.rationale and self.structured == "choice":
            raise InputError(f"judge {self.model}: structured: choice leaves no room for a rationale; use json_schema")

    def choose(self, prompts: Sequence[Messages], choices: Choices, seeds: Sequence[int]) -> list[Choice | Failure]:
        """Ask each prompt with its seed; an answer that names neither choice is asked for once more, with a correction.

        What is still unclear then is a Choice that said `nothing`, and so is what the server refuses to be corrected.
        Tokens of both asks count, and `passed` tells how many were asked again. A Failure where the server refused or
        lost a prompt, or lost its correction. Raises EngineError where it cannot go on.
        """
        further = instruction(self.structured, self.rationale)
        asked = [instructed(prompt, further) for prompt in prompts]
        answers = self._ask(asked, choices, seeds)
        unclear = [
            (place, answer)
            for place, answer in enumerate(answers)
            if isinstance(answer, Choice) and answer.said == "nothing"
        ]
        again = [[*asked[place], *_corrected(answer.raw)] for place, answer in unclear]
        corrected = self._corrections(again, choices, [seeds[place] for place, _ in unclear])
        for (place, before), after in zip(unclear, corrected, strict=True):
            if isinstance(after, Failure):  # a refusal holds, and so do the first words; what was lost is asked again
                answers[place] = after if after.reason in PASSING else before
            else:
                answers[place] = after._replace(
                    tokens_in=_sum(before.tokens_in, after.tokens_in),
                    tokens_out=_sum(before.tokens_out, after.tokens_out),
                )
        self.passed.add_repairs(_repairs([answers[place] for place, _ in unclear]))
        return answers

    def _corrections(
        self, prompts: Sequence[Messages], choices: Choices, seeds: Sequence[int]
    ) -> Sequence[Choice | Failure]:
        try:
            return self._ask(prompts, choices, seeds)
        except EngineError as error:  # the first answers are good, and a server that is gone shows at the next window
            return [Failure(ENGINE_UNREACHABLE, str(error)[:DETAIL_CHARACTERS])] * len(prompts)

    def _ask(self, prompts: Sequence[Messages], choices: Choices, seeds: Sequence[int]) -> list[Choice | Failure]:
        found = self._sent(prompts, choices, seeds)
        refused = [place for place, answer in enumerate(found) if _refuses_limit(answer)]
        if refused and self._limit["name"] == _LIMIT:
            self._limit["name"] = _NEWER_LIMIT
            again = self._sent([prompts[place] for place in refused], choices, [seeds[place] for place in refused])
            for place, answer in zip(refused, again, strict=True):
                found[place] = answer
        answers = [self._read(answer, choices) for answer in found]
        self.passed.add(sum(answer.tokens for answer in answers if isinstance(answer, Choice)))
        return answers

    def _sent(
        self, prompts: Sequence[Messages], choices: Choices, seeds: Sequence[int]
    ) -> list[dict[str, Any] | Failure]:
        bodies = [self._body(prompt, choices, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        return self.server.post_all("/chat/completions", bodies)

    def _body(self, prompt: Messages, choices: Choices, seed: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [dict(message) for message in prompt],
            "temperature": self.temperature,
            "seed": seed,
            self._limit["name"]: _VERDICT_TOKENS + (self.rationale_tokens if self.rationale else 0),
        }
        if self.logprobs:
            body |= {"logprobs": True, "top_logprobs": _ALTERNATIVES}
        if self.structured == "choice":
            body["structured_outputs"] = {"choice": list(choices)}
        if self.structured == "json_schema":
            body["response_format"] = {"type": "json_schema", "json_schema": _schema(choices, self.rationale)}
        return body

    def _read(self, answer: dict[str, Any] | Failure, choices: Choices) -> Choice | Failure:
        if isinstance(answer, Failure):
            return answer
        try:
            text, tokens, alternatives = _parts(answer)
            usage = answer.get("usage") or {}
            counts = [None if usage.get(key) is None else int(usage[key]) for key in _USAGE]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return Failure(ENGINE_UNREACHABLE, f"the answer is no chat completion: {answer}"[:DETAIL_CHARACTERS])
        said = said_in(text, choices, rationale=self.rationale)
        p_first = math.nan if said == "nothing" else first_share(text, tokens, alternatives, choices)
        return Choice(p_first, text, counts[0], counts[1], said)


def instruction(structured: Structured, rationale: bool) -> str:
    """What is said behind the judge's prompt; empty where the prompt says all. It is part of the judge's identity."""
    if structured == "json_schema":
        reason = ' and then "reason", one sentence that says why' if rationale else ""
        return f'Put the reply into a JSON object whose first field is "{FIELD}", the text "1" or "2"{reason}.'
    return INSTRUCTION if rationale else ""


def _refuses_limit(answer: dict[str, Any] | Failure) -> bool:
    """Whether the server refused the request for the name of its limit of tokens."""
    if not isinstance(answer, Failure) or answer.reason != SERVER_REFUSED:
        return False
    told = answer.detail.lower()
    return _LIMIT in told and ("unsupported" in told or "not supported" in told)


def _repairs(answers: Sequence[Choice | Failure]) -> Repairs:
    """answers: what stands of those that were asked for once more."""
    unparsed = [isinstance(answer, Choice) and answer.said == "nothing" for answer in answers]
    lost = sum(isinstance(answer, Failure) for answer in answers)
    return Repairs(len(answers), len(answers) - sum(unparsed) - lost, sum(unparsed))


def _schema(choices: Choices, rationale: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {FIELD: {"type": "string", "enum": list(choices)}}
    if rationale:
        fields["reason"] = {"type": "string"}
    schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {"name": "verdict", "strict": True, "schema": schema}


def _corrected(raw: str) -> list[dict[str, str]]:
    # servers refuse an assistant's turn without words
    return [{"role": "assistant", "content": raw or "…"}, {"role": "user", "content": CORRECTION}]


def _parts(answer: Mapping[str, Any]) -> tuple[str, list[str], list[list[Alternative]]]:
    """The text of a chat completion, its tokens, and what might have stood in the place of each; none where untold."""
    choice = answer["choices"][0]
    told = (choice.get("logprobs") or {}).get("content") or []
    tokens = [str(one["token"]) for one in told]
    alternatives = [
        [*{str(each["token"]): float(each["logprob"]) for each in [*(one.get("top_logprobs") or ()), one]}.items()]
        for one in told
    ]
    return str(choice["message"].get("content") or ""), tokens, alternatives


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second
