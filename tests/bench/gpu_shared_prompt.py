"""Rewards with a prompt's pass shared, against whole rows, on random ones: what the rule of sharing is fitted by.

On processors test_shared_prompt.py runs it. On a GPU, where whole rows are packed without padding and the scorer shares
none until this was measured there (shared_prompt.MEASURED_ON), run it by hand:

    python -m tests.bench.gpu_shared_prompt --shapes qwen3-0.6b qwen3-4b --budget 65536

It prints, for prompts of several lengths and numbers of responses, the time of shared / whole and the ratio that the
rule expects; for each shape, the least squares of PASS_COST and CACHED_COST over all measurements.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from synpref.engines.classifier import Classifier
from synpref.engines.device import choose_dtype, default_device, device_facts
from synpref.engines.packing import can_pack, use_packing
from synpref.engines.shared_prompt import Work, pays, prompt_batches, shared_prompts, work_shared, work_whole
from synpref.engines.tokenise import Encoded
from tests.bench.gpu_scoring import PAD, SHAPES

ROUNDS, REST = 3, 32
VOCABULARY = 500  # ids that every model has


class Measured(NamedTuple):
    """Least seconds and rewards of each way ("shared", "whole"), and what each computes."""

    seconds: dict[str, float]
    rewards: dict[str, list[float]]
    work: dict[str, Work]

    @property
    def ratio(self) -> float:
        """Seconds of shared over whole."""
        return self.seconds["shared"] / self.seconds["whole"]

    @property
    def expected(self) -> float:
        """The same by the rule."""
        return self.work["shared"].cost / self.work["whole"].cost

    @property
    def chosen(self) -> str:
        """What the rule would do."""
        return "shared" if pays(self.work["shared"], self.work["whole"]) else "whole"


def rows_of(prompts: int, tokens: int, responses: int) -> tuple[list[Encoded], list[int]]:
    """Random rows, `responses` that begin with each of `prompts`; and the prompt of each."""
    draw = np.random.default_rng(0)
    begun = [draw.integers(10, VOCABULARY, tokens).tolist() for _ in range(prompts)]
    of = [one for one in range(prompts) for _ in range(responses)]
    rows = [begun[one] + draw.integers(10, VOCABULARY, REST).tolist() for one in of]
    return [Encoded(row, None, truncated=False) for row in rows], of


def measured(classifier: Classifier, rows: list[Encoded], prompts: list[int]) -> Measured:
    """Both ways in turns; the best of the rounds counts, the first of which also warms up."""
    ids = [row.input_ids for row in rows]
    lengths, budget = [len(row) for row in ids], classifier.token_budget
    plan = prompt_batches(shared_prompts(ids, prompts), lengths, budget)
    seconds = {"shared": float("inf"), "whole": float("inf")}
    found: dict[str, list[float]] = {"shared": [0.0] * len(rows), "whole": []}
    for _ in range(ROUNDS):
        for way, least in seconds.items():
            started = time.perf_counter()
            if way == "whole":
                found[way] = classifier.logits(rows)
            else:
                for one in plan:
                    classifier.continue_prompts(one, rows, found[way])
            seconds[way] = min(least, time.perf_counter() - started)
    work = {"shared": work_shared(plan, lengths), "whole": work_whole(lengths, budget, packed=classifier.packs)}
    return Measured(seconds, found, work)


def fitted(found: Sequence[Measured]) -> tuple[float, float, float]:
    """Seconds of a token, of a cached one, and of a pass, by least squares of relative errors."""
    rows = [
        (work.tokens, work.cached, work.passes, one.seconds[way]) for one in found for way, work in one.work.items()
    ]
    table = np.array(rows)
    # Relative errors count, so that the short runs do as much as the long ones.
    token, cached, one_pass = np.linalg.lstsq(table[:, :3] / table[:, 3:], np.ones(len(table)), rcond=None)[0]
    return float(token), float(cached), float(one_pass)


def _classifier(shape: str, device: str, dtype: str, budget: int) -> Classifier:
    config_type, model_type, sizes = SHAPES[shape]
    torch.manual_seed(0)
    with torch.device(device):
        config = config_type(**sizes, num_labels=1, pad_token_id=PAD, use_cache=False)
        model: Any = model_type._from_config(config, dtype=getattr(torch, dtype)).eval()
    packs = can_pack(model)
    if packs:
        use_packing(model)
    return Classifier(model, PAD, budget, packs=packs)


def main(words: Sequence[str] | None = None) -> None:
    """Measure each shape, and print a table and the fit."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--shapes", nargs="+", choices=sorted(SHAPES), default=["qwen3-0.6b"])
    asked.add_argument("--prompts", nargs="+", type=int, default=[64, 256, 1_024, 2_048], help="tokens of a prompt")
    asked.add_argument("--responses", nargs="+", type=int, default=[2, 4, 16], help="to each prompt")
    asked.add_argument("--tokens", type=int, default=131_072, help="of all prompts of a measurement, about")
    asked.add_argument("--budget", type=int, default=65_536, help="tokens of a batch")
    given = asked.parse_args(words)
    device, facts = default_device(), device_facts()
    dtype = choose_dtype(device).dtype
    sys.stdout.write(f"{facts.name} {' '.join(facts.features)}, torch {torch.__version__}, {dtype}\n")
    for shape in given.shapes:
        classifier = _classifier(shape, device, dtype, given.budget)
        found = []
        for tokens in given.prompts:
            for responses in given.responses:
                rows, prompts = rows_of(max(1, given.tokens // (tokens * responses)), tokens, responses)
                one = measured(classifier, rows, prompts)
                found.append(one)
                sys.stdout.write(
                    f"{shape:13} {tokens:5} tokens x {responses:3} responses x {prompts[-1] + 1:5} prompts: shared / "
                    f"whole {one.ratio:5.2f}, by the rule {one.expected:5.2f}, which chooses {one.chosen}\n"
                )
        token, cached, one_pass = fitted(found)
        sys.stdout.write(
            f"{shape}: one token {token * 1e3:.4f} ms; cached {cached / token:.3f}, a pass {one_pass / token:.0f} of it"
            f"{', whole rows packed' if classifier.packs else ''}\n"
        )


if __name__ == "__main__":
    main()
