"""The identity of an engine out of its spec: the engine's own card and every further option that counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from synpref.engines.cards import (
    attributes_card,
    embedder_card,
    http_judge_card,
    judge_card,
    replay_judge_card,
    reward_card,
    vllm_judge_card,
)
from synpref.engines.identity import EngineCard, EngineKind
from synpref.engines.rationale import RATIONALE_TOKENS
from synpref.errors import InputError

Option = str | int | float | bool | None

# How the work is done, not what comes out of it.
RUNTIME_OPTIONS = frozenset(
    {
        "threads", "token_budget", "window", "device", "dtype", "simulated", "gpu_memory", "process", "gpu", "gpus",
        "shared_prompt", "url", "served_model", "concurrency", "timeout", "retries", "key_variable",
    }
)  # fmt: skip
# Kind of a spec to the kind that the engines table names.
TABLE_KINDS: dict[str, EngineKind] = {
    "embedder": "embedder",
    "reward": "reward",
    "chat-judge": "judge",
    "http-judge": "judge",
    "vllm-judge": "judge",
    "replay-judge": "judge",
    "chat-attributes": "attributes",
}
# Kinds that compute nothing here, and so in no number format.
ELSEWHERE = frozenset({"http-judge", "replay-judge"})
DEFAULTS: dict[str, dict[str, Option]] = {
    "embedder": {
        "max_tokens": 256, "dimensions": None, "token_budget": None, "backend": "torch", "overlong": "truncate_left",
        "prompt": None, "prompt_name": None,
    },
    "reward": {
        "max_tokens": 16384, "overlong": "truncate_left", "token_budget": None, "backend": "transformers",
        "shared_prompt": "auto", "gpu_memory": 0.9,
    },
    "chat-judge": {"max_tokens": 2048, "token_budget": 4096, "rationale": False, "rationale_tokens": RATIONALE_TOKENS},
    "http-judge": {
        "model": "", "structured": "choice", "temperature": 0.0, "logprobs": True, "rationale": False,
        "rationale_tokens": RATIONALE_TOKENS, "seed": 0, "concurrency": 8, "timeout": 120.0, "retries": 5,
        "window": 4096,  # each waits for its slowest answer
    },
    "vllm-judge": {
        "max_tokens": 2048, "temperature": 0.0, "logprobs": True, "rationale": False,
        "rationale_tokens": RATIONALE_TOKENS, "seed": 0, "gpu_memory": 0.9,
    },
    "replay-judge": {},
    "chat-attributes": {
        "max_tokens": 2048, "max_new_tokens": 160, "temperature": 0.6, "top_p": 0.9, "seed": 0, "token_budget": 4096,
    },
}  # fmt: skip
# Options that the engines' own cards hold, by the names of their parameters.
_TOLD = {
    "embedder": ("max_tokens", "dimensions", "backend", "overlong", "prompt", "prompt_name"),
    "reward": ("max_tokens", "overlong", "backend", "server"),
    "chat-judge": ("max_tokens", "rationale", "rationale_tokens"),
    "http-judge": ("model", "structured", "temperature", "logprobs", "rationale", "rationale_tokens"),
    "vllm-judge": ("max_tokens", "temperature", "logprobs", "rationale", "rationale_tokens"),
    "replay-judge": (),
    "chat-attributes": ("max_tokens", "max_new_tokens", "temperature", "top_p"),
}

_CARDS: dict[str, Callable[..., EngineCard]] = {
    "embedder": embedder_card,
    "reward": reward_card,
    "chat-judge": judge_card,
    "vllm-judge": vllm_judge_card,
    "chat-attributes": attributes_card,
}


def card_of(kind: str, name: str, model_path: str | None, options: Mapping[str, Option]) -> EngineCard:
    """The card of an engine; options that are not given count with their defaults. dtype is None until it is settled.

    InputError where the kind is unknown, the model's folder cannot be read, or neither a model nor a factory is named.
    """
    if kind not in TABLE_KINDS:
        raise InputError(f"engine {name}: no kind {kind!r}; there are {', '.join(sorted(TABLE_KINDS))}")
    told = {**DEFAULTS[kind], **{option: value for option, value in options.items() if value is not None}}
    identity = {option: value for option, value in told.items() if option not in RUNTIME_OPTIONS}
    dtype = None if options.get("dtype") is None else str(options["dtype"])
    if options.get("factory") is not None:
        return EngineCard(TABLE_KINDS[kind], name, bool(options.get("simulated", True)), dtype, identity)
    if model_path is None and kind != "http-judge":
        raise InputError(
            f"engine {name}: give the {'file of its records' if kind in ELSEWHERE else 'folder of its model'}"
        )
    if kind == "reward" and told["backend"] != "http":
        identity.pop("server", None)  # nobody is asked
    own = _own_card(kind, name, model_path or "", {option: identity.pop(option, None) for option in _TOLD[kind]})
    # What the engine's card does not know (such as a seed) still tells two engines apart.
    return replace(own, dtype=dtype, details={**own.details, **({"options": identity} if identity else {})})


def _own_card(kind: str, name: str, model_path: str, told: Mapping[str, Any]) -> EngineCard:
    if kind == "http-judge":
        return http_judge_card(name, **told)
    if kind == "replay-judge":
        return replay_judge_card(name, model_path)
    return _CARDS[kind](name, model_path, dtype="", **told)
