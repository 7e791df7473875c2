"""synpref's training loop on the pairs of a comparison, all layers trained (see compare.py).

usage: train_ours.py TASK.json   (prints one line of JSON: seconds, processor seconds, pairs, responses encoded, right)
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
from synpref.reward.backbones import drop_nothing, load_classifier, load_tokenizer
from synpref.reward.extraction import FeatureKind, Source, fill_features, open_features
from synpref.reward.features import FeatureStore
from synpref.reward.fitting import Ground, fit, limits_of
from synpref.reward.passes import Stored, score
from synpref.reward.plan import TrainingPlan
from synpref.reward.rows import read_comparisons, read_responses
from synpref.reward.steps import steps
from synpref.reward.upper import PairwiseLoss, Upper, cut_model


def main(task: dict[str, Any]) -> dict[str, Any]:
    """Train, and score the pairs of a part; what is timed is the loop alone, not the tokenisation before it."""
    run, model, data = task["run"], Path(task["model"]), Path(task["data"])
    torch.set_num_threads(run["threads"])
    plan = plan_of(run)
    tokenizer = load_tokenizer(model)
    kind = FeatureKind(model_fingerprint(model), None, plan.max_tokens, plan.overlong)
    store = open_features(data / "features", kind)
    for part in filter(None, (run["part"], run["score"])):
        fill_features(Source(store, kind, model, tokenizer), read_responses(data / part))
    rows = read_comparisons(data / run["part"])
    ground = Ground(rows, None, store)
    made = steps(rows, limits_of(ground, plan), plan.seed, plan.pairs_per_step)
    course = list(itertools.islice(made, run["steps"]))
    torch.manual_seed(plan.seed)
    classifier = load_classifier(model, tokenizer)
    drop_nothing(classifier)
    upper = cut_model(classifier, None, model).upper
    start, busy = time.perf_counter(), time.process_time()
    fit(upper, ground, plan)
    found = {"seconds": time.perf_counter() - start, "processor_seconds": time.process_time() - busy}
    return {
        **found,
        "pairs": sum(step.comparisons for step in course),
        "encoded": sum(len(part.responses) for step in course for part in step.parts),
        "right": right_of(upper, store, data, run["score"]) if run["score"] else None,
    }


def plan_of(run: dict[str, Any]) -> TrainingPlan:
    """A run as the plan of a training."""
    return TrainingPlan(
        steps=run["steps"],
        responses_per_step=run["responses"],
        pairs_per_step=run["pairs"],
        learning_rate=run["rate"],
        trainable_layers=None,
        max_tokens=run["max_tokens"],
        seed=run["seed"],
        evaluate_every=run["steps"],
        dtype=run["dtype"],
        dropout=False,  # as TRL's RewardConfig has it
    )


def right_of(upper: Upper, store: FeatureStore, data: Path, part: str) -> list[float]:
    """Of each pair of a part, in its order: 1 where the chosen side has the higher reward, 0.5 where both have one."""
    pairs = json.loads((data / "pairs.json").read_text())["parts"][part]
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    rewards = dict(zip(names, score(PairwiseLoss(upper), Stored.of(store, names)).tolist(), strict=True))
    margins = [rewards[chosen] - rewards[rejected] for chosen, rejected in pairs]
    return [(margin > 0) + 0.5 * (margin == 0) for margin in margins]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))) + "\n")
