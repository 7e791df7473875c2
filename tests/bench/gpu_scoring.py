"""Scoring on a GPU: tokens and pairs a second, and the share of the device's matrix peak (MFU), for real shapes.

No Spark, no downloads: weights are random, token ids too; lengths are those of real pairs (lengths.json holds tokens of
prompt, chosen and rejected, by SmolLM2's tokenizer, of 1,200 pairs each of UltraFeedback and HH). Run it at a GPU:

    python -m tests.bench.gpu_scoring --shapes qwen3-0.6b qwen3-4b llama-3.1-8b
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForSequenceClassification, Qwen3Config, Qwen3ForSequenceClassification

from synpref.engines.classifier import Classifier
from synpref.engines.device import choose_dtype, default_device, device_facts
from synpref.engines.packing import can_pack, use_packing
from synpref.engines.padding import pad_batch
from synpref.engines.tokenise import Encoded

LENGTHS = Path(__file__).with_name("lengths.json")
PAD, FIXED, SIZE = 0, 8, 8192
QWEN = {"vocab_size": 151_936, "head_dim": 128, "num_key_value_heads": 8, "max_position_embeddings": 40_960}
LLAMA = {"vocab_size": 128_256, "head_dim": 128, "num_key_value_heads": 8, "max_position_embeddings": 131_072}
TINY = {"vocab_size": 512, "head_dim": 16, "num_key_value_heads": 2, "max_position_embeddings": 4_096}
SHAPES: dict[str, tuple[Any, Any, dict[str, int]]] = {
    "qwen3-0.6b": (Qwen3Config, Qwen3ForSequenceClassification, QWEN | {
        "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16}),
    "qwen3-4b": (Qwen3Config, Qwen3ForSequenceClassification, QWEN | {
        "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32}),
    "llama-3.1-8b": (LlamaConfig, LlamaForSequenceClassification, LLAMA | {
        "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32, "num_attention_heads": 32}),
    "tiny": (Qwen3Config, Qwen3ForSequenceClassification, TINY | {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}),
}  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """mfu: share of the measured peak; over_fixed: seconds of padded batches of eight over ours."""

    shape: str
    dtype: str
    pairs: int
    tokens: int
    pairs_per_second: float
    tokens_per_second: float
    mfu: float
    over_fixed: float


def measure(shape: str, lengths: Sequence[Sequence[int]], device: str, dtype: str, budget: int, rounds: int) -> Figures:
    """Score both responses of pairs of these lengths (tokens of prompt, chosen, rejected), by batches and by eights."""
    config_type, model_type, sizes = SHAPES[shape]
    config = config_type(**sizes, num_labels=1, pad_token_id=PAD, use_cache=False)
    torch.manual_seed(0)
    with torch.device(device):
        model = model_type._from_config(config, dtype=getattr(torch, dtype)).eval()
    rows = random_rows(lengths, sizes["vocab_size"])
    packs = can_pack(model)
    if packs:
        use_packing(model)
    classifier = Classifier(model, PAD, budget, packs=packs)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: classifier.logits(rows),
        "fixed": lambda: _fixed(model, rows),
    }
    for work in ways.values():
        work()
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, work in ways.items():
            best[name] = min(best[name], _timed(work, device))
    seconds, tokens = best["ours"], sum(len(row.input_ids) for row in rows)
    mfu = _operations(config, [len(row.input_ids) for row in rows]) / seconds / peak(device, dtype)
    pairs = len(lengths)
    return Figures(shape, dtype, pairs, tokens, pairs / seconds, tokens / seconds, mfu, best["fixed"] / seconds)


def random_rows(lengths: Sequence[Sequence[int]], vocabulary: int) -> list[Encoded]:
    """Random ids, none the pad token; both rows of a pair begin with the same prompt."""
    draw = random.Random(0)
    rows = []
    for prompt, *responses in lengths:
        begun = draw.choices(range(1, vocabulary), k=prompt)
        rows += [Encoded(begun + draw.choices(range(1, vocabulary), k=one), None, truncated=False) for one in responses]
    return rows


def _fixed(model: Any, rows: Sequence[Encoded]) -> None:
    with torch.inference_mode():
        for start in range(0, len(rows), FIXED):
            batch = pad_batch(rows[start : start + FIXED], PAD)
            model(**{name: value.to(model.device) for name, value in batch.items()}).logits.float().tolist()


def _operations(config: Any, lengths: Sequence[int]) -> float:
    """Multiplications and additions of one pass: weights without the embedding, and attention to earlier tokens."""
    width, heads = config.hidden_size, config.num_attention_heads * config.head_dim
    shared = 2 * config.num_key_value_heads * config.head_dim
    weights = width * (heads + shared) + heads * width + 3 * width * config.intermediate_size
    attention = 2.0 * heads * sum(length * length for length in lengths)
    operations: float = config.num_hidden_layers * (2.0 * weights * sum(lengths) + attention)
    return operations


def peak(device: str, dtype: str) -> float:
    """Operations a second of a large product in this number format, measured now."""
    size = SIZE if device == "cuda" else SIZE // 8
    a, b = (torch.randn(size, size, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    torch.mm(a, b)
    return 2.0 * size**3 / min(_timed(lambda: torch.mm(a, b), device) for _ in range(10))


def _timed(work: Callable[[], object], device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def main(words: Sequence[str] | None = None) -> None:
    """Measure each shape on each file of lengths, and print a table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--shapes", nargs="+", choices=sorted(SHAPES), default=["qwen3-0.6b"])
    asked.add_argument("--pairs", type=int, default=1_200, help="of each file; fewer for a quick look")
    asked.add_argument("--budget", type=int, default=65_536, help="tokens of a batch")
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args(words)
    device, files = default_device(), json.loads(LENGTHS.read_text())
    dtype, facts = choose_dtype(device).dtype, device_facts()
    sys.stdout.write(f"{facts.name} {' '.join(facts.features)}, torch {torch.__version__}\n")
    sys.stdout.write("shape         lengths                    dtype     pairs/s   tokens/s    MFU   / batches of 8\n")
    for shape in given.shapes:
        for name, lengths in files.items():
            one = measure(shape, lengths[: given.pairs], device, dtype, given.budget, given.rounds)
            sys.stdout.write(
                f"{shape:13} {name:26} {dtype:8} {one.pairs_per_second:8.1f} {one.tokens_per_second:10,.0f} "
                f"{one.mfu:6.1%} {one.over_fixed:8.2f}\n"
            )


if __name__ == "__main__":
    main()
