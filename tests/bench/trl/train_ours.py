"""synpref's training loop on the same pairs, all layers trained (see compare.py).

usage: train_ours.py TASK.json   (prints one line of JSON: seconds, pairs, accuracy, responses encoded)
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from synpref.engines.identity import model_fingerprint
from synpref.reward.accuracy import accuracy_of
from synpref.reward.backbones import drop_nothing, load_classifier, load_tokenizer
from synpref.reward.extraction import FeatureKind, Source, fill_features, open_features
from synpref.reward.fitting import Ground, fit, limits_of
from synpref.reward.passes import Stored, score
from synpref.reward.plan import TrainingPlan
from synpref.reward.rows import read_comparisons, read_responses
from synpref.reward.steps import steps
from synpref.reward.upper import PairwiseLoss, cut_model


def main(task: dict[str, Any]) -> dict[str, float]:
    """Train, and score the held-out pairs; what is timed is the loop alone, not the tokenisation before it."""
    torch.set_num_threads(task["threads"])
    model, ours = Path(task["model"]), task["ours"]
    plan = TrainingPlan(
        steps=ours["steps"],
        responses_per_step=ours["responses"],
        pairs_per_step=ours["pairs_per_step"],
        learning_rate=ours["learning_rate"],
        trainable_layers=None,
        max_tokens=task["max_tokens"],
        seed=task["seed"],
        evaluate_every=ours["steps"],
        dtype=task["dtype"],
        dropout=False,  # as TRL's RewardConfig has it
    )
    tokenizer = load_tokenizer(model)
    kind = FeatureKind(model_fingerprint(model), None, plan.max_tokens, plan.overlong)
    store = open_features(Path(task["features"]), kind)
    for part in ("train", "held_out"):
        fill_features(Source(store, kind, model, tokenizer), read_responses(Path(task["data"]) / part))
    rows = read_comparisons(Path(task["data"]) / "train")
    ground = Ground(rows, None, store)
    made = steps(rows, limits_of(ground, plan), plan.seed, plan.pairs_per_step)
    course = list(itertools.islice(made, ours["steps"]))
    torch.manual_seed(task["seed"])
    classifier = load_classifier(model, tokenizer)
    drop_nothing(classifier)
    upper = cut_model(classifier, None, model).upper
    start = time.perf_counter()
    fit(upper, ground, plan)
    seconds = time.perf_counter() - start
    right = float("nan")
    if task["score"]:
        held_out = read_comparisons(Path(task["data"]) / "held_out")
        rewards = score(PairwiseLoss(upper), Stored.of(store, held_out.response_ids))
        right = accuracy_of(rewards[held_out.chosen] - rewards[held_out.rejected])
    encoded = sum(len(part.responses) for step in course for part in step.parts)
    pairs = sum(step.comparisons for step in course)
    return {"seconds": seconds, "pairs": pairs, "accuracy": right, "encoded": encoded}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))) + "\n")
