"""TRL's RewardTrainer on tokenised pairs: runs in the environment .venv-trl, without synpref (see compare.py).

usage: train_trl.py TASK.json   (prints one line of JSON: seconds, pairs, accuracy)
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer


def main(task: dict[str, Any]) -> dict[str, float]:
    """Train, and score the held-out pairs; what is timed is train() alone."""
    torch.set_num_threads(task["threads"])
    torch.manual_seed(task["seed"])
    tokenizer = AutoTokenizer.from_pretrained(task["model"])
    model = AutoModelForSequenceClassification.from_pretrained(task["model"], num_labels=1, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        config = RewardConfig(
            output_dir=folder,
            max_steps=task["trl"]["steps"],
            per_device_train_batch_size=task["trl"]["batch"],
            learning_rate=task["trl"]["learning_rate"],
            lr_scheduler_type="linear",
            warmup_steps=round(0.1 * task["trl"]["steps"]),
            weight_decay=0.01,
            max_length=task["max_tokens"],
            seed=task["seed"],
            bf16=task["dtype"] == "bfloat16",
            gradient_checkpointing=False,  # its default; without it is faster, and all fits
            use_cpu=not torch.cuda.is_available(),
            save_strategy="no",
            report_to="none",
            logging_strategy="no",
            disable_tqdm=True,
        )
        pairs = json.loads(Path(task["pairs"]).read_text())
        columns = {"chosen_ids": [a for a, _ in pairs["train"]], "rejected_ids": [b for _, b in pairs["train"]]}
        rows = Dataset.from_dict(columns)
        trainer = RewardTrainer(model=model, args=config, train_dataset=rows, processing_class=tokenizer)
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
    right = accuracy(model.eval(), pairs["held_out"], tokenizer.pad_token_id) if task["score"] else float("nan")
    return {"seconds": seconds, "pairs": task["trl"]["steps"] * task["trl"]["batch"], "accuracy": right}


def accuracy(model: Any, pairs: list[list[list[int]]], padding: int) -> float:
    """Share of the pairs whose chosen side has the higher reward."""
    distinct = sorted({tuple(side) for pair in pairs for side in pair}, key=len)
    rewards: dict[tuple[int, ...], float] = {}
    with torch.inference_mode():
        for start in range(0, len(distinct), 32):
            some = distinct[start : start + 32]
            longest = max(map(len, some))
            ids = torch.tensor([[*side, *([padding] * (longest - len(side)))] for side in some])
            mask = torch.tensor([[1] * len(side) + [0] * (longest - len(side)) for side in some])
            found = model(input_ids=ids, attention_mask=mask).logits[:, 0].tolist()
            rewards.update(zip(some, found, strict=True))
    margins = [rewards[tuple(chosen)] - rewards[tuple(rejected)] for chosen, rejected in pairs]
    return sum((margin > 0) + 0.5 * (margin == 0) for margin in margins) / len(margins)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))) + "\n")
