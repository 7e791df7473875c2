"""Training pairs a second of synpref and of TRL's RewardTrainer: one model, the same pairs, the same cores.

usage: python -m tests.bench.trl.compare FILE.parquet [--model FOLDER] [--rounds 3] [--steps 30] [--threads 2]
       [--dtype float32] [--score]

FILE holds pairs (prompt as JSON messages, chosen, rejected; `extra` may name a topic). Whole topics, or else prompts,
are held out, a fifth of them. All layers are trained; both get the same token ids, of which TRL encodes two a pair and
synpref each distinct response of a step. They take turns, each in a process of its own. --score adds held-out
accuracies, and that of a logistic regression on frozen embeddings. TRL runs in .venv-trl, made where it is absent,
with the torch, transformers and accelerate of this environment.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synpref.engines.tokenise import Conversation, encode_conversations
from synpref.pairs.identity import comparison_id, prompt_id, response_id
from synpref.reward.backbones import load_tokenizer
from tests.bench.trl.frozen import frozen_accuracy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VENV = ROOT / ".venv-trl"
MAX_TOKENS = 256
Pair = dict[str, Any]


def main(words: Sequence[str]) -> None:
    """Prepare, let the two take turns, print what came out."""
    asked = arguments(words)
    ensure_trl()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = read_pairs(asked.file)
        parts = split(pairs)
        for part, rows in parts.items():
            write_snapshot(folder / part, rows)
        write_tokens(folder / "pairs.json", parts, asked.model)
        say(f"{asked.file.stem}: {len(parts['train'])} pairs to train on, {len(parts['held_out'])} held out")
        if asked.score:
            texts = {part: [(pair["chosen"], pair["rejected"]) for pair in rows] for part, rows in parts.items()}
            frozen = frozen_accuracy(asked.model, texts["train"], texts["held_out"], MAX_TOKENS)
            say(f"  logistic regression on frozen embeddings: held-out accuracy {frozen:.3f}")
        found: dict[str, list[dict[str, float]]] = {"ours": [], "trl": []}
        for turn in range(asked.rounds):
            task = task_of(asked, folder, turn)
            (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
            for who, python in (("ours", sys.executable), ("trl", str(VENV / "bin" / "python"))):
                found[who].append(run(python, HERE / f"train_{who}.py", folder / "task.json"))
                say(f"  round {turn + 1}, {who}: {told(found[who][-1])}")
    report(found)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default=str(ROOT / ".cache/models/all-minilm-l6-v2"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=30, help="of TRL; synpref takes as many, or its own with --score")
    parser.add_argument("--our-steps", type=int, default=None)
    parser.add_argument("--batch", type=int, default=32, help="pairs of a step of TRL, and of one of ours with --even")
    parser.add_argument("--even", action="store_true", help="steps of synpref hold as many pairs as those of TRL")
    parser.add_argument("--rate", type=float, default=3e-5)
    parser.add_argument("--our-rate", type=float, default=1e-4)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--score", action="store_true", help="score the held-out pairs after each training")
    return parser.parse_args(words)


def task_of(asked: argparse.Namespace, folder: Path, seed: int) -> dict[str, Any]:
    """What the two children read."""
    return {
        "model": asked.model,
        "data": str(folder),
        "pairs": str(folder / "pairs.json"),
        "features": str(folder / "features"),
        "max_tokens": MAX_TOKENS,
        "threads": asked.threads,
        "dtype": asked.dtype,
        "seed": seed,
        "score": asked.score,
        "trl": {"steps": asked.steps, "batch": asked.batch, "learning_rate": asked.rate},
        "ours": {
            "steps": asked.our_steps or asked.steps,
            "responses": 64,
            "pairs_per_step": asked.batch if asked.even else None,
            "learning_rate": asked.rate if asked.even else asked.our_rate,
        },
    }


def read_pairs(file: Path) -> list[Pair]:
    """Pairs with their group; equal texts are left out, and counted."""
    rows = pq.read_table(file, columns=["prompt", "chosen", "rejected", "extra"]).to_pylist()
    pairs = []
    for row in rows:
        if row["chosen"] == row["rejected"]:
            continue
        topic = json.loads(row["extra"] or "{}").get("topic")
        messages = json.loads(row["prompt"])
        pairs.append({**row, "messages": messages, "group": topic or prompt_id(messages)})
    if len(pairs) < len(rows):
        say(f"{len(rows) - len(pairs)} of {len(rows)} pairs have equal texts and are left out")
    return pairs


def split(pairs: list[Pair]) -> dict[str, list[Pair]]:
    """A fifth of the groups, by hash, is held out."""
    groups = sorted({pair["group"] for pair in pairs}, key=lambda name: hashlib.sha256(name.encode()).digest())
    held = set(groups[: max(1, len(groups) // 5)])
    return {
        "train": [pair for pair in pairs if pair["group"] not in held],
        "held_out": [pair for pair in pairs if pair["group"] in held],
    }


def write_snapshot(folder: Path, pairs: list[Pair]) -> None:
    """The folder that synpref trains from."""
    responses: dict[str, dict[str, object]] = {}
    comparisons: dict[tuple[str, str], dict[str, str]] = {}
    for pair in pairs:
        prompt = prompt_id(pair["messages"])
        ids = [response_id(prompt, pair[side]) for side in ("chosen", "rejected")]
        for name, side in zip(ids, ("chosen", "rejected"), strict=True):
            responses[name] = {"response_id": name, "messages": pair["messages"], "text": pair[side]}
        comparisons[ids[0], ids[1]] = {
            "comparison_id": comparison_id(*ids),
            "prompt_id": prompt,
            "chosen_response_id": ids[0],
            "rejected_response_id": ids[1],
        }
    for part, rows in (("comparisons", list(comparisons.values())), ("responses", list(responses.values()))):
        (folder / part).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / part / "part-0.parquet")


def write_tokens(file: Path, parts: dict[str, list[Pair]], model: str) -> None:
    """The token ids of both sides of each pair, as synpref makes them."""
    tokenizer = load_tokenizer(Path(model))
    told: dict[str, list[list[list[int]]]] = {}
    for part, pairs in parts.items():
        sides = [
            encode_conversations(
                tokenizer, [Conversation(pair["messages"], pair[side]) for pair in pairs], MAX_TOKENS, "truncate_left"
            )
            for side in ("chosen", "rejected")
        ]
        told[part] = [[chosen.input_ids, rejected.input_ids] for chosen, rejected in zip(*sides, strict=True)]
    file.write_text(json.dumps(told), encoding="utf-8")


def ensure_trl() -> None:
    """Make .venv-trl where it is absent."""
    if (VENV / "bin" / "python").exists():
        return
    uv = str(Path(sys.executable).with_name("uv"))
    same = [f"{name}=={version(name)}" for name in ("torch", "transformers", "accelerate", "pyarrow")]
    subprocess.run([uv, "venv", "--python", sys.executable, str(VENV)], check=True)
    install = [uv, "pip", "install", "--python", str(VENV / "bin" / "python"), "-r", str(HERE / "requirements.txt")]
    subprocess.run([*install, *same], check=True)


def run(python: str, script: Path, task: Path) -> dict[str, float]:
    """One training in a process of its own; the last line that it prints is what it found."""
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [python, str(script), str(task)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{script.name} failed:\n{done.stderr[-3000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def told(one: dict[str, float]) -> str:
    """One training in words."""
    encoded = one.get("encoded", 2 * one["pairs"])
    return (
        f"{one['pairs']:.0f} pairs ({encoded:.0f} responses encoded) in {one['seconds']:.1f} s = "
        f"{one['pairs'] / one['seconds']:.1f} pairs/s, held-out accuracy {one['accuracy']:.3f}"
    )


def report(found: dict[str, list[dict[str, float]]]) -> None:
    """The ratio of each round, of which the median counts."""
    speed = {who: [one["pairs"] / one["seconds"] for one in runs] for who, runs in found.items()}
    ratios = [ours / trl for ours, trl in zip(speed["ours"], speed["trl"], strict=True)]
    say(f"pairs/s, synpref over TRL: {median(ratios):.2f} (rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
