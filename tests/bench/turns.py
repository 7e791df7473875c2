"""Two ways of the same work that take turns, and what the machine is on which they did."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from synpref.engines.device import device_facts
from synpref.engines.reward import BATCH_TOLERANCE

Ways = Mapping[str, Callable[[], object]]
FORMATS = ("float32", "bfloat16")  # that the other side is tried in


def least_seconds(ways: Ways, rounds: int, *, before: Ways | None = None) -> dict[str, float]:
    """The least seconds of each way over the rounds; in every round all take their turn, so a busy moment hits all.

    before: what is done before each turn of a way and not counted. Spark ends a Python worker that had nothing to do
    for a minute, and with it the model: a way through Spark is warm only if it was asked just before.
    """
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, work in ways.items():
            if before is not None and name in before:
                before[name]()
            started = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def quickest(ways: Ways) -> str:
    """The name of the way that takes the least seconds once it is warm: the other side's best number format."""
    seconds = least_seconds(ways, 2)
    return min(seconds, key=lambda name: seconds[name])


def matmul_peak(dtype: str = "float32", seconds: float = 0.5) -> float:
    """Floating-point operations a second of a large product in this format, measured now with the threads in force."""
    size = 1024
    a, b = (torch.randn(size, size).to(getattr(torch, dtype)) for _ in range(2))
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def tell(what: str, **figures: float | str) -> None:
    """One line: the processor, its features, what was measured."""
    facts = device_facts()
    words = ", ".join(
        f"{name} {value:,.2f}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
    )
    sys.stdout.write(f"\n{what}: {words} | {facts.name} {' '.join(facts.features)}\n")


def tell_model(
    what: str, model: Any, *, dtype: str, seconds: float, tokens: float, passes: int = 1, **figures: float | str
) -> None:
    """One line of what ran a model: as `tell`, with its number format, tokens a second and share of the matmul peak.

    model: of transformers; tokens: that went through it in `seconds`; passes: 3 where it was trained, forward and twice
    back. The peak is measured now, in the same format; torch has no public product of int8, so there it is float32's.
    """
    of = dtype if dtype in BATCH_TOLERANCE else "float32"
    share = passes * operations(model, tokens) / seconds / matmul_peak(of)
    where = "of_matmul_peak" if of == dtype else f"of_{of}_matmul_peak"
    tell(what, **figures, dtype=dtype, tokens_per_second=tokens / seconds, **{where: share})


def has_amx() -> bool:
    """Whether the processor multiplies tiles, which half precision is fast by: bounds of a ratio differ."""
    return any(feature.startswith("amx") for feature in device_facts().features)


def operations(model: Any, tokens: float) -> float:
    """Operations of the products over the weights of a model's layers for so many tokens.

    Left out is what is small or runs once a text: attention over the text, embeddings, pooler and head.
    """
    products = [
        part.weight.numel()
        for name, part in model.base_model.named_modules()
        if isinstance(part, torch.nn.Linear) and "pooler" not in name
    ]
    return 2.0 * tokens * sum(products)
