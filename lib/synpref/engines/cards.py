"""The cards of the engines here: everything that changes their output, gathered once (design.md, Identity)."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from synpref.engines.chat_http import CORRECTION, Structured, instruction
from synpref.engines.choice import READING
from synpref.engines.identity import EngineCard, file_fingerprint, model_fingerprint, tokenizer_fingerprint
from synpref.engines.openvino_library import openvino_version
from synpref.engines.prompt_template import template_source
from synpref.engines.rationale import INSTRUCTION, RATIONALE_TOKENS
from synpref.engines.reward_http import check_server_kind
from synpref.engines.tokenise import Overlong
from synpref.engines.vllm_library import vllm_version
from synpref.errors import InputError

_TOKENISATION = 1  # raise it when tokenise, transcript or chat_template change what a model reads


def embedder_card(
    name: str,
    model_path: str,
    *,
    dtype: str,
    max_tokens: int,
    dimensions: int | None,
    backend: str = "torch",
    overlong: Overlong = "truncate_left",
    prompt: str | None = None,
    prompt_name: str | None = None,
) -> EngineCard:
    """Card of an `Embedder` loaded with these arguments. InputError where the backend is not installed here."""
    details = _backend(model_path, max_tokens) | {
        "sentence_transformers": version("sentence-transformers"),
        "dimensions": dimensions,
        "truncation": "left" if overlong == "truncate_left" else overlong,
    }
    if backend == "openvino":
        details |= {"backend": backend, "openvino": openvino_version()}
        details |= {"nncf": openvino_version("nncf")} if dtype == "int8" else {}
    if prompt is None and prompt_name is None:
        prompt_name = _default_prompt(model_path)
    # Only where there is one: vectors of earlier versions, which knew no prompts, keep their engine.
    details |= {key: text for key, text in (("prompt", prompt), ("prompt_name", prompt_name)) if text is not None}
    return EngineCard("embedder", name, False, dtype, details, _told(model_path))


def _default_prompt(model_path: str) -> str | None:
    """The prompt's name that a sentence-transformers model takes where none is asked for; None: none."""
    told = Path(model_path, "config_sentence_transformers.json")
    name = json.loads(told.read_text(encoding="utf-8")).get("default_prompt_name") if told.is_file() else None
    return None if name is None else str(name)


def reward_card(
    name: str,
    model_path: str,
    *,
    dtype: str,
    max_tokens: int,
    overlong: Overlong,
    backend: str = "transformers",
    server: str | None = None,
) -> EngineCard:
    """Card of a scorer of this backend loaded with these arguments; server: the kind that a backend `http` asks.

    Raises InputError where the backend is not installed here or is none.
    """
    details = _backend(model_path, max_tokens) | {"truncation": overlong}
    if backend != "transformers":
        del details["transformers"]
        details |= _other_backend(backend, server)
    told = _told(model_path)
    if backend == "http":
        told = {"tokenizer": told["tokenizer"]}  # what computes is the server's own affair
    return EngineCard("reward", name, False, dtype, details, told)


def judge_card(
    name: str,
    model_path: str,
    *,
    dtype: str,
    max_tokens: int,
    rationale: bool = False,
    rationale_tokens: int = RATIONALE_TOKENS,
) -> EngineCard:
    """Card of a `ChatModel` that chooses between candidates with the packaged judge prompt."""
    details = _backend(model_path, max_tokens) | {
        "truncation": "refuse",
        "verdict": "first tokens of 1 and 2",
        "template": template_source("judge"),
        **_rationale(rationale, rationale_tokens),
    }
    return EngineCard("judge", name, False, dtype, details, _told(model_path))


def http_judge_card(
    name: str,
    *,
    model: str,
    structured: Structured,
    temperature: float,
    logprobs: bool,
    rationale: bool,
    rationale_tokens: int = RATIONALE_TOKENS,
) -> EngineCard:
    """Card of an `HttpChat`. Where its server stands is no part of it: the model's name is all that is known of it."""
    details = {
        "model": model,
        "backend": "http",
        "verdict": structured,
        "template": template_source("judge"),
        "instruction": instruction(structured, rationale),
        "correction": CORRECTION,
        "temperature": temperature,
        "logprobs": logprobs,
        "rationale": rationale,
        "reading": READING,
    }
    if rationale and rationale_tokens != RATIONALE_TOKENS:  # earlier versions knew no other number
        details["rationale_tokens"] = rationale_tokens
    return EngineCard("judge", name, False, None, details, {"sampling": _sampling(temperature)})


def vllm_judge_card(
    name: str,
    model_path: str,
    *,
    dtype: str,
    max_tokens: int,
    temperature: float,
    logprobs: bool,
    rationale: bool = False,
    rationale_tokens: int = RATIONALE_TOKENS,
) -> EngineCard:
    """Card of a `VllmChat` loaded with these arguments. InputError where vLLM is not installed."""
    details = {
        "model": model_fingerprint(model_path),
        "backend": "vllm",
        "vllm": vllm_version(),
        "tokenisation": _TOKENISATION,
        "max_tokens": max_tokens,
        "truncation": "refuse",
        "verdict": "choice",
        "template": template_source("judge"),
        "temperature": temperature,
        "logprobs": logprobs,
        **_rationale(rationale, rationale_tokens),
    }
    return EngineCard("judge", name, False, dtype, details, _told(model_path, temperature))


def _rationale(rationale: bool, tokens: int) -> dict[str, str | int]:
    """Only where there is one: verdicts of earlier versions, which wrote none here, keep their engine."""
    return {"instruction": INSTRUCTION, "rationale_tokens": tokens} if rationale else {}


def replay_judge_card(name: str, path: str) -> EngineCard:
    """Card of a `Replay`: its records alone."""
    return EngineCard("judge", name, False, None, {"backend": "replay", "records": file_fingerprint(path)})


def attributes_card(
    name: str, model_path: str, *, dtype: str, max_tokens: int, max_new_tokens: int, temperature: float, top_p: float
) -> EngineCard:
    """Card of a `ChatModel` that writes attributes with the packaged attributes prompt."""
    details = _backend(model_path, max_tokens) | {
        "truncation": "refuse",
        "template": template_source("attributes"),
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "top_p": top_p if temperature > 0 else None,
    }
    return EngineCard("attributes", name, False, dtype, details, _told(model_path, temperature))


def _told(model_path: str, temperature: float = 0.0) -> dict[str, str | bool | None]:
    """What is recorded and not hashed: the tokenizer is part of the model's fingerprint, and answers differ by torch's
    version as they do by the machine, within the tolerance of a batch.
    """
    return {
        "torch": version("torch"),
        "tokenizer": tokenizer_fingerprint(model_path),
        "deterministic_algorithms": False,  # torch's mode of that name, which no engine turns on
        "sampling": _sampling(temperature),
    }


def _sampling(temperature: float) -> str:
    return "seeded" if temperature > 0 else "none"


def _other_backend(backend: str, server: str | None) -> dict[str, str | int]:
    if backend == "http":
        # Its version is the server's own affair: nothing in an answer tells it.
        return {"backend": backend, "server": check_server_kind(server)}
    if backend != "vllm":
        raise InputError(f"backend is {backend!r}; give transformers, vllm or http")
    return {"backend": backend, "vllm": vllm_version()}


def _backend(model_path: str, max_tokens: int) -> dict[str, str | int]:
    return {
        "model": model_fingerprint(model_path),
        "backend": "transformers",
        "transformers": version("transformers"),
        "tokenisation": _TOKENISATION,
        "max_tokens": max_tokens,
    }
