"""Training by synpref and by TRL's RewardTrainer: one model, the same pairs, the same cores; speed and accuracy.

usage: python -m tests.bench.trl.compare FILE.parquet [--score] [--results FILE.jsonl] [--seeds 3] [--steps 30]
       [--group prompt|ENTRY] [--pattern REGEX] [--folds 1] [--rates 3e-5 1e-4 2e-4] [--sweep-steps 10] [--threads 2]

FILE holds pairs (prompt as JSON messages, chosen, rejected, extra), whose labels are taken as they are. Whole groups
are held out, a fifth of them; of the other groups a fifth is for validation (pairs.py). With --folds 5 all of it is
done with each fifth, and the accuracies are those of all groups, each held out once. All layers are trained; both get
the same token ids and segments, of which TRL encodes two a pair and synpref each distinct response of a step. They take
turns, each in a process of its own, each in the number format that it is faster in (--dtype names one for both).

--score: both first try every learning rate, one seed and few steps, and keep the one with the best accuracy on the
validation groups; then each seed is trained on all groups but the held-out ones, which are scored; and so is a logistic
regression on frozen embeddings. --our-rate spares synpref the sweep. Without --score the first rate is taken.

--results: what was found is added there, one JSON line a training, and what stands there is not done again. Remove it
to measure other code. TRL runs in .venv-trl, made where it is absent, with this environment's torch, transformers and
accelerate.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synpref.code_version import code_version
from synpref.engines.device import device_facts
from synpref.engines.identity import model_fingerprint
from tests.bench.trl import report
from tests.bench.trl.frozen import frozen
from tests.bench.trl.pairs import (
    HELD_OUT,
    Pair,
    Parts,
    digest,
    groups_of,
    read_pairs,
    split,
    write_snapshot,
    write_tokens,
)
from tests.bench.trl.results import Result, Results
from tests.bench.trl.trainings import WHO, How, Trainings, ensure_trl, versions

ROOT = Path(__file__).resolve().parents[3]
MAX_TOKENS = 256


def main(words: Sequence[str]) -> None:
    """Prepare, choose formats and rates, let the two take turns, print what came out."""
    asked = arguments(words)
    ensure_trl()
    read = read_pairs(asked.file, asked.group, asked.pattern)
    results, outcomes = Results(asked.results), []
    for fold in range(asked.folds):
        parts = split(read.pairs, fold)
        groups = {name: groups_of(pairs) for name, pairs in parts.items()}
        report.say(report.told_of_data(asked.file.stem, read, groups))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for part, rows in parts.items():
                write_snapshot(folder / part, rows)
            write_tokens(folder / "pairs.json", parts, asked.model, asked.max_tokens)
            trainings = Trainings(folder, asked.model, shared(asked, parts), results, own(asked))
            outcomes.append(compare(asked, parts, trainings))
    found = {who: report.joined([one.found[who] for one in outcomes]) for who in WHO}
    if asked.score:
        simple = report.joined([[one.frozen] for one in outcomes if one.frozen])[0]
        report.say(report.told_of_accuracy([pair for one in outcomes for pair in one.held_out], found, simple))
    report.say(report.told_of_speed({who: [run for one in outcomes for run in one.found[who]] for who in WHO}))


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default=str(ROOT / ".cache/models/all-minilm-l6-v2"))
    parser.add_argument("--group", default="prompt", help="what is held out whole: prompt, or an entry of extra")
    parser.add_argument("--pattern", default=None, help="its first capture in that is the group instead")
    parser.add_argument("--folds", type=int, choices=range(1, HELD_OUT + 1), default=1, help="fifths held out in turn")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=30, help="of TRL")
    parser.add_argument("--our-steps", type=int, default=None, help="of synpref; as many as TRL's where not given")
    parser.add_argument("--batch", type=int, default=32, help="pairs of a step of TRL, and of one of ours with --even")
    parser.add_argument("--even", action="store_true", help="steps of synpref hold as many pairs as those of TRL")
    parser.add_argument("--rates", type=float, nargs="+", default=[3e-5, 1e-4, 2e-4])
    parser.add_argument("--our-rate", type=float, default=None)
    parser.add_argument("--sweep-steps", type=int, default=10, help="steps of each training of the sweep")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--dtype", choices=["best", "float32", "bfloat16"], default="best")
    parser.add_argument("--dtype-steps", type=int, default=3, help="steps by which the faster format is found")
    parser.add_argument("--max-tokens", type=int, default=MAX_TOKENS)
    parser.add_argument("--score", action="store_true", help="sweep the rates, and score the held-out pairs")
    parser.add_argument("--results", type=Path, default=None)
    return parser.parse_args(words)


def shared(asked: argparse.Namespace, parts: Parts) -> dict[str, object]:
    """What decides every training, whoever makes it."""
    return {
        "file": asked.file.stem,
        "split": digest(parts),
        "model": model_fingerprint(Path(asked.model))[:12],
        "max_tokens": asked.max_tokens,
        "threads": asked.threads,
        "machine": device_facts().name,
        "versions": versions(),
    }


def own(asked: argparse.Namespace) -> dict[str, dict[str, object]]:
    """What a step of each of the two holds."""
    ours = {"responses": 2 * asked.batch, "pairs": asked.batch if asked.even else None}
    return {"ours": ours, "trl": {"pairs": asked.batch, "segments": True}}  # which an earlier TRL here was not given


@dataclass(frozen=True)
class Outcome:
    """What one split of the groups gave: by trainer a result a seed, and of the regression where pairs are scored."""

    held_out: list[Pair]
    found: dict[str, list[Result]]
    frozen: Result | None


def compare(asked: argparse.Namespace, parts: Parts, trainings: Trainings) -> Outcome:
    """Formats, rates, seeds."""
    dtypes = {who: trainings.faster_format(who, asked.dtype, asked.dtype_steps, asked.rates[0]) for who in WHO}
    rates = dict.fromkeys(WHO, asked.rates[0])
    if asked.score:
        tried = {"ours": [asked.our_rate] if asked.our_rate else asked.rates, "trl": asked.rates}
        rates = {who: trainings.best_rate(who, dtypes[who], tried[who], asked.sweep_steps) for who in WHO}
    elif asked.our_rate:
        rates["ours"] = asked.our_rate
    steps = {"ours": asked.our_steps or asked.steps, "trl": asked.steps}
    score = "held_out" if asked.score else None
    found: dict[str, list[Result]] = {who: [] for who in WHO}
    report.say(report.HEAD)
    for seed in range(asked.seeds):
        for who in WHO:
            how = How("train", score, steps[who], rates[who], dtypes[who], seed)
            found[who].append(trainings.train(who, how))
            report.say(report.told_of_seed(seed, who, rates[who], dtypes[who], found[who][-1]))
    return Outcome(parts["held_out"], found, regression(asked, parts, trainings.results) if asked.score else None)


def regression(asked: argparse.Namespace, parts: Parts, results: Results) -> Result:
    """What a logistic regression on frozen embeddings gets right, looked up where it stands."""
    run = {"who": "frozen", **{name: value for name, value in shared(asked, parts).items() if name != "threads"}}
    known = results.known(run)
    if known is None:
        known = frozen(asked.model, parts, asked.max_tokens)
        results.add(run, known, code_version())
    return known


if __name__ == "__main__":
    main(sys.argv[1:])
