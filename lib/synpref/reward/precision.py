"""The number format that a model is trained in, where its plan leaves it open."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from synpref.engines.device import DtypeChoice, decide_dtype, default_device, speed_ratio
from synpref.engines.tenancy import end_idle_engines
from synpref.reward.plan import Precision, TrainingPlan

FORMATS: tuple[Precision, ...] = ("bfloat16", "float32")
_SECONDS = 0.5  # for all rounds together


def settled(
    plan: TrainingPlan, begun: Callable[[TrainingPlan], bool], say: Callable[[str], None] | None = None
) -> TrainingPlan:
    """The plan with its dtype named.

    begun: whether a model of such a plan was finished or has checkpoints: what was measured once stays. Else a
    measurement of about a second on the device of this process; bfloat16 where it is at least 1.2 x as fast.
    """
    if plan.dtype is not None:
        return plan
    for dtype in FORMATS:
        named = dataclasses.replace(plan, dtype=dtype)
        if begun(named):
            return named
    choice = choose_training_dtype()
    dtype = "bfloat16" if choice.dtype == "bfloat16" else "float32"
    if say:
        say(f"training computes in {dtype}: {choice.candidate} trains {choice.ratio:.2f} x as fast as float32 here")
    return dataclasses.replace(plan, dtype=dtype)


def choose_training_dtype(device: str | None = None) -> DtypeChoice:
    """Measure what training computes, a layer forward and backward: float32 against bfloat16 by autocast.

    The weights are float32 in both, so bfloat16 pays for casting them too, which scoring (`choose_dtype`) does not.
    """
    device = device or default_device()
    if device.startswith("cuda"):
        end_idle_engines()  # of the stage before, in processes that wait for their next task
    ratio = speed_ratio(_step(device, bfloat16=False), _step(device, bfloat16=True), _SECONDS)
    if device.startswith("cuda"):
        torch.cuda.empty_cache()  # processes beside this one may train on that GPU
    return DtypeChoice(decide_dtype("bfloat16", ratio), "bfloat16", ratio)


def _step(device: str, *, bfloat16: bool) -> Callable[[], None]:
    """Gradients of one encoder layer for a small micro-batch; warmed up."""
    on_gpu = device.startswith("cuda")
    width, rows = (1024, 64) if on_gpu else (384, 8)
    with torch.random.fork_rng():
        layer = torch.nn.TransformerEncoderLayer(width, width // 32, 4 * width, dropout=0.0, batch_first=True)
        batch = torch.randn(rows, 64, width).to(device)
    layer = layer.to(device)

    def run() -> None:
        layer.zero_grad()
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bfloat16):
            out = layer(batch)
        out.float().square().mean().backward()
        if on_gpu:
            torch.cuda.synchronize()

    run()
    return run
