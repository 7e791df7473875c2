"""The identity of an engine out of its spec: every option that changes the output, the model's files, the backend."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from synpref.engines.identity import EngineCard, EngineKind, model_fingerprint
from synpref.errors import InputError

# How the work is done, not what comes out of it.
RUNTIME_OPTIONS = frozenset({"threads", "token_budget", "window", "device", "dtype", "simulated"})
# Kind to (kind in the engines table, backend package, defaults of the options that are part of the identity).
IDENTITY: dict[str, tuple[EngineKind, str, dict[str, Any]]] = {
    "embedder": ("embedder", "sentence-transformers", {"max_tokens": 256, "dimensions": None}),
    "reward": ("reward", "transformers", {"max_tokens": 16384, "overlong": "truncate_left"}),
    "chat-judge": ("judge", "transformers", {"max_tokens": 2048, "choices": "A,B"}),
    "chat-attributes": (
        "attributes",
        "transformers",
        {"max_tokens": 2048, "max_new_tokens": 160, "temperature": 0.6, "top_p": 0.9, "seed": 0},
    ),
}


def card_of(kind: str, name: str, model_path: str | None, options: Mapping[str, Any]) -> EngineCard:
    """The card of an engine; options that are not given count with their defaults.

    InputError where the kind is unknown, the model's folder cannot be read, or neither a model nor a factory is named.
    """
    if kind not in IDENTITY:
        raise InputError(f"engine {name}: no kind {kind!r}; there are {', '.join(sorted(IDENTITY))}")
    table_kind, backend, defaults = IDENTITY[kind]
    told = {**defaults, **{option: value for option, value in options.items() if value is not None}}
    details = {option: value for option, value in told.items() if option not in RUNTIME_OPTIONS}
    dtype = None if options.get("dtype") is None else str(options["dtype"])
    if options.get("factory") is not None:
        return EngineCard(table_kind, name, bool(options.get("simulated", True)), dtype, details)
    if model_path is None:
        raise InputError(f"engine {name}: give the folder of its model")
    details |= {"model": model_fingerprint(model_path), "backend": f"{backend} {version(backend)}"}
    return EngineCard(table_kind, name, False, dtype, details)


def default_of(kind: str, option: str) -> Any:
    """The default of an option of this kind; None where it has none."""
    return IDENTITY[kind][2].get(option) if kind in IDENTITY else None
