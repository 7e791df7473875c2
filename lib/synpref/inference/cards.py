"""The identity of an engine out of its spec: the engine's own card and every further option that counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from synpref.engines.cards import attributes_card, embedder_card, judge_card, reward_card
from synpref.engines.identity import EngineCard, EngineKind
from synpref.errors import InputError

Option = str | int | float | bool | None

# How the work is done, not what comes out of it.
RUNTIME_OPTIONS = frozenset(
    {
        "threads", "token_budget", "window", "device", "dtype", "simulated", "shared_prompt",
        "url", "served_model", "concurrency", "timeout", "retries", "key_variable",
    }
)  # fmt: skip
# Kind of a spec to the kind that the engines table names.
TABLE_KINDS: dict[str, EngineKind] = {
    "embedder": "embedder",
    "reward": "reward",
    "chat-judge": "judge",
    "chat-attributes": "attributes",
}
DEFAULTS: dict[str, dict[str, Option]] = {
    "embedder": {"max_tokens": 256, "dimensions": None, "token_budget": 4096},
    "reward": {
        "max_tokens": 16384, "overlong": "truncate_left", "token_budget": 8192, "backend": "transformers",
        "shared_prompt": "auto",
    },
    "chat-judge": {"max_tokens": 2048, "token_budget": 4096},
    "chat-attributes": {
        "max_tokens": 2048, "max_new_tokens": 160, "temperature": 0.6, "top_p": 0.9, "seed": 0, "token_budget": 4096,
    },
}  # fmt: skip
# Options that the engines' own cards hold, by the names of their parameters.
_TOLD = {
    "embedder": ("max_tokens", "dimensions"),
    "reward": ("max_tokens", "overlong", "backend", "server"),
    "chat-judge": ("max_tokens",),
    "chat-attributes": ("max_tokens", "max_new_tokens", "temperature", "top_p"),
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
    if model_path is None:
        raise InputError(f"engine {name}: give the folder of its model")
    if kind == "reward" and told["backend"] != "http":
        identity.pop("server", None)  # nobody is asked
    own = _own_card(kind, name, model_path, {option: identity.pop(option, None) for option in _TOLD[kind]})
    # What the engine's card does not know (such as a seed) still tells two engines apart.
    return replace(own, dtype=dtype, details={**own.details, **({"options": identity} if identity else {})})


def _own_card(kind: str, name: str, model_path: str, told: Mapping[str, Any]) -> EngineCard:
    if kind == "embedder":
        return embedder_card(name, model_path, dtype="", **told)
    if kind == "reward":
        return reward_card(name, model_path, dtype="", **told)
    if kind == "chat-judge":
        return judge_card(name, model_path, dtype="", **told)
    return attributes_card(name, model_path, dtype="", **told)
