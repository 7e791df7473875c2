"""Training on a GPU: tokens and pairs a second, and the share of the device's matrix peak (MFU), for real shapes.

No Spark, no downloads: weights are random, token ids too; lengths are those of real pairs (lengths.json, see
gpu_scoring). Steps are the trainer's own, optimiser included, by the development recipe of the model's preset in
conf/models: its micro-batches, number format, gradient checkpointing; rows are packed where the device can. MFU counts
6 operations a parameter and token, and attention's (synpref.reward.estimate), not what checkpointing computes again, so
it is what `train.estimate.mfu` asks for, but of the peak measured here. Run it at a GPU:

    python -m tests.bench.gpu_training --shapes qwen3-0.6b qwen3-4b llama-3.1-8b
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from synpref.config import load_preset
from synpref.engines.device import default_device, device_facts
from synpref.pairs.identity import comparison_id, hash128
from synpref.reward.architecture import Architecture, architecture_of
from synpref.reward.backbones import drop_nothing
from synpref.reward.estimate import Amount, memory, operations
from synpref.reward.features import FeatureStore
from synpref.reward.fitting import Ground, fit, limits_of
from synpref.reward.plan import TrainingPlan
from synpref.reward.rows import read_comparisons
from synpref.reward.steps import steps
from synpref.reward.upper import Upper, cut_model
from tests.bench.gpu_scoring import LENGTHS, PAD, SHAPES, peak, random_rows

WARM = 2  # steps before those that are timed
ROOM = 0.9  # share of a GPU's memory that the formula's sum may take: kernels and fragments take the rest
TINY = "qwen3-0.6b"  # whose preset the shapes without one are trained by
HEAD = "shape         lengths                    dtype      pairs/s   tokens/s    MFU  s/step  memory GB"


@dataclass(frozen=True)
class Figures:
    """Of the timed steps. mfu: share of the measured peak. memory: bytes at the peak on a GPU; None elsewhere."""

    pairs: int
    tokens: int
    seconds: float
    mfu: float
    memory: int | None


def plan_of(shape: str, asked: argparse.Namespace) -> TrainingPlan:
    """What the preset's development recipe says of a step, with what was asked for in its place."""
    preset = load_preset(shape if shape in SHAPES and shape != "tiny" else TINY)
    said: dict[str, Any] = {**preset.values("development")}
    for name in ("backbone", "epochs", "steps", "evaluate_every", "checkpoint_every"):
        said.pop(name, None)
    for name in ("pairs_per_step", "tokens_per_step", "dtype", "gradient_checkpointing"):
        if getattr(asked, name) is not None:
            said[name] = getattr(asked, name)
    return TrainingPlan(**said, steps=WARM + asked.steps, evaluate_every=1, dropout=False)


def measure(shape: str, lengths: Sequence[Sequence[int]], plan: TrainingPlan, device: str) -> Figures:
    """Train on pairs of these lengths (tokens of prompt, chosen, rejected) and time the steps after the warm ones."""
    with tempfile.TemporaryDirectory() as name:
        ground = write_ground(Path(name), lengths, SHAPES[shape][2]["vocab_size"])
        upper, sizes = build(shape, plan, device)
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        ends: list[float] = []

        def say(line: str) -> None:
            if re.match(r"step \d+ of", line):  # after the loss was read, so the device is done with the step
                ends.append(time.perf_counter())

        fit(upper, ground, plan, progress=say)
        limits = limits_of(ground, plan)
        course = steps(ground.training, limits, plan.seed, plan.pairs_per_step)
        timed = list(itertools.islice(course, WARM, plan.steps))
    seconds = ends[-1] - ends[WARM - 1]
    tokens = np.concatenate([limits.lengths[part.responses] for step in timed for part in step.parts]).astype(float)
    work = Amount(len(timed), float(tokens.sum()), float(np.square(tokens).sum()))
    done = operations(sizes, work, trainable_layers=None, checkpointing=False, frozen_tokens=0.0)
    mfu = done / seconds / peak(device, str(plan.dtype))
    held = torch.cuda.max_memory_allocated() if device == "cuda" else None
    return Figures(sum(step.comparisons for step in timed), int(tokens.sum()), seconds, mfu, held)


def build(shape: str, plan: TrainingPlan, device: str) -> tuple[Upper, Architecture]:
    """A model of this shape with random weights, as the trainer prepares one."""
    config_type, model_type, sizes = SHAPES[shape]
    config = config_type(**sizes, num_labels=1, pad_token_id=PAD, use_cache=False)
    torch.manual_seed(plan.seed)
    with torch.device(device):
        model = model_type._from_config(config, dtype=torch.float32, attn_implementation="sdpa")
    drop_nothing(model)
    if plan.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return cut_model(model, None, shape).upper, architecture_of(config)


def write_ground(folder: Path, lengths: Sequence[Sequence[int]], vocabulary: int) -> Ground:
    """Token ids of random responses in a feature store, and a comparison of each two of them."""
    encoded = random_rows(lengths, vocabulary)
    ids = [hash128("response", str(number)) for number in range(len(encoded))]
    rows = [np.array([one.input_ids, [0] * len(one.input_ids)], dtype=np.int32).T for one in encoded]
    store = FeatureStore(folder / "features")
    store.append(ids, rows, [False] * len(rows))
    compared = [
        {
            "comparison_id": comparison_id(chosen, rejected),
            "prompt_id": hash128("prompt", str(number)),
            "chosen_response_id": chosen,
            "rejected_response_id": rejected,
        }
        for number, (chosen, rejected) in enumerate(zip(ids[::2], ids[1::2], strict=True))
    ]
    (folder / "comparisons").mkdir()
    pq.write_table(pa.Table.from_pylist(compared), folder / "comparisons" / "part-0.parquet")
    return Ground(read_comparisons(folder), None, store)


def too_large(shape: str, plan: TrainingPlan, room: float) -> str | None:
    """Why a device with so many bytes is not tried; None where the model fits."""
    config_type, _, sizes = SHAPES[shape]
    needed = memory(
        architecture_of(config_type(**sizes, num_labels=1, pad_token_id=PAD)), trainable_layers=None,
        tokens=plan.tokens_per_step, dtype_bytes=2 if plan.dtype == "bfloat16" else 4,
        checkpointing=plan.gradient_checkpointing, gpus=1, strategy="ddp",
    ).total  # fmt: skip
    if needed <= ROOM * room:
        return None
    return f"left out: training needs about {needed / 1e9:.0f} GB, the device has {room / 1e9:.0f} GB"


def main(words: Sequence[str] | None = None) -> None:
    """Measure each shape on each file of lengths, and print a table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--shapes", nargs="+", choices=sorted(SHAPES), default=["qwen3-0.6b"])
    asked.add_argument("--pairs", type=int, default=1_200, help="of each file; fewer for a quick look")
    asked.add_argument("--steps", type=int, default=4, help=f"that are timed, after {WARM} others")
    asked.add_argument("--pairs-per-step", type=int, default=None)
    asked.add_argument("--tokens-per-step", type=int, default=None, help="of a micro-batch")
    asked.add_argument("--dtype", choices=["float32", "bfloat16"], default=None)
    asked.add_argument("--gradient-checkpointing", action=argparse.BooleanOptionalAction, default=None)
    given = asked.parse_args(words)
    device, files, facts = default_device(), json.loads(LENGTHS.read_text()), device_facts()
    sys.stdout.write(f"{facts.name} {' '.join(facts.features)}, torch {torch.__version__}\n{HEAD}\n")
    for shape in given.shapes:
        plan = plan_of(shape, given)
        room = torch.cuda.get_device_properties(0).total_memory if device == "cuda" else float("inf")
        reason = too_large(shape, plan, room)
        for name, lengths in files.items():
            told = reason or _tried(shape, lengths[: given.pairs], plan, device)
            sys.stdout.write(f"{shape:13} {name:26} {plan.dtype:8} {told}\n")
            sys.stdout.flush()


def _tried(shape: str, lengths: Sequence[Sequence[int]], plan: TrainingPlan, device: str) -> str:
    try:
        one = measure(shape, lengths, plan, device)
    except torch.OutOfMemoryError as error:
        return f"left out: {str(error).splitlines()[0]}"
    finally:
        gc.collect()
        if device == "cuda":
            torch.cuda.empty_cache()
    held = "-" if one.memory is None else f"{one.memory / 1e9:.1f}"
    each = one.seconds / ((plan.steps or WARM) - WARM)
    return f"{one.pairs / one.seconds:9.1f} {one.tokens / one.seconds:10,.0f} {one.mfu:6.1%} {each:7.2f} {held:>10}"


if __name__ == "__main__":
    main()
