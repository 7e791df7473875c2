"""From a spec to a loaded engine, one function a kind; runs on the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synpref.engines.tokenise import Overlong
from synpref.errors import InputError
from synpref.inference.spec import EngineSpec

if TYPE_CHECKING:
    from synpref.engines.chat import ChatModel
    from synpref.engines.chat_http import HttpChat, Structured
    from synpref.engines.chat_vllm import VllmChat
    from synpref.engines.embedder import Embedder
    from synpref.engines.json_server import JsonServer
    from synpref.engines.replay import Replay
    from synpref.engines.reward import RewardScorer
    from synpref.engines.reward_http import HttpScorer
    from synpref.engines.reward_vllm import VllmScorer


def embedder(spec: EngineSpec) -> Embedder:
    """The text embedder; options backend, dtype, max_tokens, overlong, token_budget, dimensions, prompt, prompt_name,
    device.
    """
    from synpref.engines.embedder import Embedder, check_embedder_backend

    return Embedder.load(
        _folder(spec),
        dtype=_dtype(spec),
        max_tokens=spec.integer("max_tokens", 0),
        token_budget=spec.integer("token_budget", 0) or None,
        dimensions=spec.integer("dimensions", 0) or None,
        device=spec.text("device"),
        backend=check_embedder_backend(spec.text("backend")),
        prompt=spec.text("prompt"),
        prompt_name=spec.text("prompt_name"),
        overlong=_overlong(spec),
    )


def reward(spec: EngineSpec) -> RewardScorer | VllmScorer | HttpScorer:
    """The reward scorer of the option `backend`; all take max_tokens and overlong.

    transformers: dtype, token_budget, device, shared_prompt. vllm: dtype, gpu_memory. http: url, server, served_model,
    concurrency, timeout, retries, key_variable.
    """
    backend = spec.text("backend")
    if backend == "vllm":
        return _vllm_reward(spec)
    if backend == "http":
        return _http_reward(spec)
    if backend != "transformers":
        raise InputError(f"engine {spec.name}: backend is {backend!r}; give transformers, vllm or http")
    from synpref.engines.reward import RewardScorer

    return RewardScorer.load(
        _folder(spec),
        dtype=_dtype(spec),
        max_tokens=spec.integer("max_tokens", 0),
        overlong=_overlong(spec),
        token_budget=spec.integer("token_budget", 0) or None,
        device=spec.text("device"),
        shared_prompt="off" if spec.text("shared_prompt") == "off" else "auto",
    )


def _vllm_reward(spec: EngineSpec) -> VllmScorer:
    from synpref.engines.reward_vllm import VllmScorer

    return VllmScorer.load(
        _folder(spec),
        dtype=_dtype(spec),
        max_tokens=spec.integer("max_tokens", 0),
        overlong=_overlong(spec),
        gpu_memory=spec.number("gpu_memory", 0.0),
    )


def _http_reward(spec: EngineSpec) -> HttpScorer:
    from synpref.engines.reward_http import HttpScorer, check_server_kind

    return HttpScorer.load(
        _folder(spec),
        server=json_server(spec),
        kind=check_server_kind(spec.text("server")),
        served_model=spec.text("served_model"),
        max_tokens=spec.integer("max_tokens", 0),
        overlong=_overlong(spec),
    )


def json_server(spec: EngineSpec) -> JsonServer:
    """The server of the options url, concurrency, timeout, retries and key_variable."""
    from synpref.engines.json_server import JsonServer

    return JsonServer(
        spec.text("url") or "",
        concurrency=spec.integer("concurrency", JsonServer.concurrency),
        timeout=spec.number("timeout", JsonServer.timeout),
        retries=spec.integer("retries", JsonServer.retries),
        key_variable=spec.text("key_variable"),
    )


def chat(spec: EngineSpec) -> ChatModel:
    """The chat model, for verdicts and attributes alike; options dtype, max_tokens, token_budget, device, and of
    a judge rationale, rationale_tokens.
    """
    from synpref.engines.chat import ChatModel

    return ChatModel.load(
        _folder(spec),
        dtype=_dtype(spec),
        max_tokens=spec.integer("max_tokens", 0),
        token_budget=spec.integer("token_budget", 0),
        device=spec.text("device"),
        rationale_tokens=_rationale_tokens(spec),
    )


def http(spec: EngineSpec) -> HttpChat:
    """The chat model of a server; options url, model, structured, temperature, logprobs, rationale, rationale_tokens,
    concurrency, timeout, retries, key_variable. InputError for an address that is none, and where the key's variable is
    empty.
    """
    from synpref.engines.chat_http import HttpChat

    server = json_server(spec)
    server.check()
    return HttpChat(
        server,
        spec.text("model") or "",
        structured=_structured(spec),
        temperature=spec.number("temperature", 0.0),
        logprobs=spec.flag("logprobs", True),
        rationale=spec.flag("rationale", False),
        rationale_tokens=spec.integer("rationale_tokens", HttpChat.rationale_tokens),
    )


def vllm(spec: EngineSpec) -> VllmChat:
    """The chat model in vLLM; options dtype, max_tokens, temperature, logprobs, rationale, rationale_tokens,
    gpu_memory.
    """
    from synpref.engines.chat_vllm import VllmChat

    return VllmChat.load(
        _folder(spec),
        dtype=_dtype(spec),
        max_tokens=spec.integer("max_tokens", 0),
        temperature=spec.number("temperature", 0.0),
        logprobs=spec.flag("logprobs", True),
        gpu_memory=spec.number("gpu_memory", 0.0),
        rationale_tokens=_rationale_tokens(spec),
    )


def replay(spec: EngineSpec) -> Replay:
    """Recorded verdicts; model_path is their file."""
    from synpref.engines.replay import Replay

    return Replay.load(_folder(spec))


def _folder(spec: EngineSpec) -> str:
    if spec.model_path is None:
        raise InputError(f"engine {spec.name}: give the folder of its model")
    return spec.model_path


def _dtype(spec: EngineSpec) -> str:
    dtype = spec.text("dtype")
    if dtype is None:
        raise InputError(f"engine {spec.name}: its dtype is not settled; call inference.dtype.settled before")
    return dtype


def _rationale_tokens(spec: EngineSpec) -> int:
    """0 where no rationale is asked for."""
    return spec.integer("rationale_tokens", 0) if spec.flag("rationale", False) else 0


def _overlong(spec: EngineSpec) -> Overlong:
    policy = spec.text("overlong", "truncate_left")
    if policy == "refuse":
        return "refuse"
    if policy == "truncate_left":
        return "truncate_left"
    raise InputError(f"engine {spec.name}: overlong is {policy!r}; give truncate_left or refuse")


def _structured(spec: EngineSpec) -> Structured:
    known: dict[str | None, Structured] = {"choice": "choice", "json_schema": "json_schema", "none": "none"}
    how = spec.text("structured", "choice")
    if how not in known:
        raise InputError(f"engine {spec.name}: structured is {how!r}; give {', '.join(known.values())}")
    return known[how]
