"""TRL's RewardTrainer on tokenised pairs: runs in the environment .venv-trl, without synpref (see compare.py).

usage: train_trl.py TASK.json   (prints one line of JSON: seconds, processor seconds, pairs, responses encoded, right)
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer
from trl.trainer.reward_trainer import DataCollatorForPreference

Tokens = dict[str, list[int]]
Ids = list[tuple[str, str]]
Collate = Callable[[list[dict[str, Any]]], dict[str, Any]]


def main(task: dict[str, Any]) -> dict[str, Any]:
    """Train, and score the pairs of a part; what is timed is train() alone."""
    run, model_folder = task["run"], task["model"]
    torch.set_num_threads(run["threads"])
    torch.manual_seed(run["seed"])
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForSequenceClassification.from_pretrained(model_folder, num_labels=1, dtype=torch.float32)
    held = json.loads((Path(task["data"]) / "pairs.json").read_text())
    tokens, segments, pairs = held["tokens"], held["segments"], held["parts"][run["part"]]
    rows = {
        "chosen_ids": [tokens[chosen] for chosen, _ in pairs],
        "rejected_ids": [tokens[rejected] for _, rejected in pairs],
    }
    with tempfile.TemporaryDirectory() as folder:
        trainer = RewardTrainer(
            model=model, args=config_of(run, folder), train_dataset=Dataset.from_dict(rows), processing_class=tokenizer,
            data_collator=collator(tokenizer.pad_token_id, tokens, segments),
        )  # fmt: skip
        start, busy = time.perf_counter(), time.process_time()
        trainer.train()
        found = {"seconds": time.perf_counter() - start, "processor_seconds": time.process_time() - busy}
    scored = held["parts"][run["score"]] if run["score"] else []
    passes, rest = divmod(run["steps"], -(-len(pairs) // run["pairs"]))  # the last step of a pass has what is left
    seen = passes * len(pairs) + rest * run["pairs"]
    return {
        **found,
        "pairs": seen,
        "encoded": 2 * seen,
        "right": right_of(model.eval(), tokens, segments, scored, tokenizer.pad_token_id) if run["score"] else None,
    }


def config_of(run: dict[str, Any], folder: str) -> RewardConfig:
    """A run in TRL's words: steps, schedule, warm-up and weight decay are those of synpref's plan."""
    return RewardConfig(
        output_dir=folder,
        max_steps=run["steps"],
        per_device_train_batch_size=run["pairs"],
        learning_rate=run["rate"],
        lr_scheduler_type="linear",
        warmup_steps=round(0.1 * run["steps"]),
        weight_decay=0.01,
        max_length=run["max_tokens"],
        seed=run["seed"],
        bf16=run["dtype"] == "bfloat16",
        gradient_checkpointing=False,  # its default; without it is faster, and all fits
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        report_to="none",
        logging_strategy="no",
        disable_tqdm=True,
    )


def collator(padding: int, tokens: Tokens, segments: Tokens | None) -> Collate:
    """TRL's own passes no segments, so that an encoder takes all tokens for the first's; this one adds ours, if any."""
    plain: Collate = DataCollatorForPreference(pad_token_id=padding)
    if segments is None:
        return plain
    kinds = {tuple(ids): segments[name] for name, ids in tokens.items()}

    def collate(examples: list[dict[str, Any]]) -> dict[str, Any]:
        sides = [example[side] for side in ("chosen_ids", "rejected_ids") for example in examples]
        return {**plain(examples), "token_type_ids": padded([kinds[tuple(ids)] for ids in sides], 0)}

    return collate


def padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows as a tensor, with the value behind those that are shorter."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *([value] * (longest - len(row)))] for row in rows])


def right_of(model: Any, tokens: Tokens, segments: Tokens | None, pairs: Ids, padding: int) -> list[float]:
    """Of each pair, in its order: 1 where the chosen side has the higher reward, 0.5 where both have one."""
    names = sorted({name for pair in pairs for name in pair}, key=lambda name: len(tokens[name]))
    rewards: dict[str, float] = {}
    with torch.inference_mode():
        for start in range(0, len(names), 32):
            some = names[start : start + 32]
            given = {"input_ids": padded([tokens[name] for name in some], padding)}
            given["attention_mask"] = padded([[1] * len(tokens[name]) for name in some], 0)
            if segments is not None:
                given["token_type_ids"] = padded([segments[name] for name in some], 0)
            found = model(**{name: rows.to(model.device) for name, rows in given.items()}).logits[:, 0].tolist()
            rewards.update(zip(some, found, strict=True))
    margins = [rewards[chosen] - rewards[rejected] for chosen, rejected in pairs]
    return [(margin > 0) + 0.5 * (margin == 0) for margin in margins]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))) + "\n")
