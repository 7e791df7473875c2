"""Two ways of the same work that take turns, and what the machine is on which they did."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

import torch

from synpref.engines.device import device_facts

Ways = Mapping[str, Callable[[], object]]


def least_seconds(ways: Ways, rounds: int) -> dict[str, float]:
    """The least seconds of each way over the rounds; in every round all take their turn, so a busy moment hits all."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, work in ways.items():
            started = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def matmul_peak(seconds: float = 0.5) -> float:
    """Floating-point operations a second of a large float32 product, measured now with the threads in force."""
    size = 1024
    a, b = torch.randn(size, size), torch.randn(size, size)
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


def has_amx() -> bool:
    """Whether the processor multiplies tiles, which half precision is fast by: bounds of a ratio differ."""
    return any(feature.startswith("amx") for feature in device_facts().features)


def encoder_flops(tokens: int, layers: int, width: int, inner: int) -> float:
    """Operations of the matrix products over weights for so many tokens; attention over the text is left out."""
    return 2.0 * tokens * layers * (4 * width * width + 2 * width * inner)
