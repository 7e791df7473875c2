"""A dry run's figures as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synpref.report.console import printable, text_table
from synpref.report.figures_text import count
from synpref.reward.architecture import Architecture
from synpref.reward.estimate import Amount, Memory, Strategy

GIB = 2**30


@dataclass(frozen=True)
class Assumed:
    """lengths: where tokens of a response come from. micro_batch_tokens: held by a GPU at once.

    feature_bytes: on disk, of all responses.
    """

    lengths: str
    peak_tflops: float
    mfu: float
    micro_batch_tokens: int
    feature_bytes: float


def dry_run_text(
    name: str, shape: Architecture, pairs: int, mean_tokens: float, work: Amount,
    needs: Mapping[tuple[int, Strategy], Memory], operations: float, gpu_hours: float,
    plan: Mapping[str, Any], assumed: Assumed,
) -> str:  # fmt: skip
    """Steps, tokens, compute and a table of memory a GPU by number of GPUs and strategy.

    gpu_hours: of one GPU. plan: the values of `train` that decide what a step takes.
    """
    per_step = (
        f"{count(plan['pairs_per_step'])} pairs a step"
        if plan["pairs_per_step"]
        else f"{count(plan['responses_per_step'])} distinct responses a step"
    )
    rate = f"{100 * assumed.mfu:.0f} % of {assumed.peak_tflops:,.0f} TFLOP/s"
    length = f"{plan['epochs']:g} epoch" + ("s" if plan["epochs"] != 1 else "") if plan["epochs"] else "as set"
    lines = [
        f"Dry run: {printable(name)}; nothing is loaded or trained",
        f"  data          {count(pairs)} pairs, {count(mean_tokens)} tokens a response ({assumed.lengths})",
        f"  steps         {count(work.steps)} ({length}, {per_step})",
        f"  tokens        {_short(work.tokens)}; fewer where a response stands in several pairs of a batch",
        f"  model         {_short(shape.parameters)} parameters, {_short(shape.embedding_parameters)} in embeddings",
        f"  disk          {assumed.feature_bytes / GIB:,.1f} GiB of features; less where pairs share responses",
        f"  compute       {operations:.2e} operations: {gpu_hours:,.2f} GPU-hours at {rate} (train.estimate)",
    ]
    rows: list[Sequence[str]] = [
        ("GPUs", "strategy", "weights", "gradients", "optimiser", "activations", "GiB a GPU", "hours")
    ]
    for (gpus, strategy), need in needs.items():
        parts = (need.weights, need.gradients, need.optimizer, need.activations, need.total)
        figures = [f"{part / GIB:,.1f}" for part in parts]
        rows.append((str(gpus), strategy, *figures[:4], figures[4], f"{gpu_hours / gpus:,.2f}"))
    kept = "with gradient checkpointing" if plan["gradient_checkpointing"] else "without gradient checkpointing"
    title = f"Memory of a GPU at {count(assumed.micro_batch_tokens)} tokens at once (a pair of the longest), {kept}"
    return "\n".join([*lines, "", text_table(title, rows)]) + "\n"


def _short(number: float) -> str:
    """7.57 billion, 595 million, 12,345."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return count(number)
