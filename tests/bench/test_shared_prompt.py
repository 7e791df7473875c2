"""Rewards with a prompt's pass shared, against whole rows; both take turns. Prints what the rule of sharing rests on.

Two tests: real prompts, as the scorer meets them; and random ones, by which the rule was fitted.

The second gives, for prompts of several lengths and numbers of responses, the time of shared ÷ whole and the ratio that
the rule expects; the last line the least squares of PASS_COST and CACHED_COST over all measurements.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from synpref.engines.classifier import Classifier
from synpref.engines.device import choose_dtype
from synpref.engines.quiet import quiet_transformers
from synpref.engines.reward import BATCH_TOLERANCE
from synpref.engines.reward_rows import RewardRows
from synpref.engines.shared_prompt import Work, pays, prompt_batches, shared_prompts, work_shared, work_whole
from synpref.engines.tokenise import Encoded
from tests.bench.texts import asked, needs_pairs, pairs
from tests.bench.turns import least_seconds, tell_model

MODEL = Path(__file__).resolve().parents[2] / ".cache/models/smollm2-135m-instruct"
ROUNDS, REST, BUDGET, MAX_TOKENS = 3, 32, 2048, 1024
PROMPTS, RESPONSES = (16, 64, 256), (2, 8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The small chat model with a random reward head, as saved and loaded again in the measured number format."""
    if not MODEL.is_dir():
        pytest.skip("the small chat model is absent: run `make setup`")
    folder = tmp_path_factory.mktemp("classifier")
    torch.manual_seed(0)
    torch.set_num_threads(1)  # as a worker's slot has it
    dtype = getattr(torch, choose_dtype().dtype)
    with quiet_transformers():
        AutoModelForSequenceClassification.from_pretrained(MODEL, num_labels=1, pad_token_id=0).save_pretrained(folder)
        loaded = AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype).eval()
    loaded.config.use_cache = False
    return loaded


def rows_of(prompts: int, tokens: int, responses: int) -> tuple[list[Encoded], list[int]]:
    draw = np.random.default_rng(0)
    begun = [draw.integers(10, 40_000, tokens).tolist() for _ in range(prompts)]
    rows = [begun[one] + draw.integers(10, 40_000, REST).tolist() for one in range(prompts) for _ in range(responses)]
    return [Encoded(row, None, truncated=False) for row in rows], [
        one for one in range(prompts) for _ in range(responses)
    ]


def format_of(model: Any) -> str:
    return str(model.dtype).removeprefix("torch.")


def apart(model: Any) -> float:
    """How far the two ways' rewards may lie apart."""
    return 1e-3 if format_of(model) == "float32" else 2 * BATCH_TOLERANCE[format_of(model)]


def measured(model: Any, rows: list[Encoded], prompts: list[int]) -> tuple[dict[str, float], Work, Work]:
    """Least seconds of each way, and what each computes."""
    classifier = Classifier(model, 0, BUDGET)
    ids = [row.input_ids for row in rows]
    lengths = [len(row) for row in ids]
    plan = prompt_batches(shared_prompts(ids, prompts), lengths, BUDGET)
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
    assert found["shared"] == pytest.approx(found["whole"], abs=apart(model))
    return seconds, work_shared(plan, lengths), work_whole(lengths, BUDGET)


@needs_pairs
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("file", "prompts", "turns"), [("alpaca_eval_llm_judged", 2, 1), ("hh_harmless_base_test", 40, 5)]
)
def test_real_prompts_are_scored_alike_and_the_ratio_is_told(model: Any, file: str, prompts: int, turns: int) -> None:
    long = [pair for pair in pairs(file) if len(pair[0].messages) >= turns]
    kept = set(list(dict.fromkeys(str(pair[0].messages) for pair in long))[:prompts])
    talks = asked([pair for pair in long if str(pair[0].messages) in kept])
    rows = RewardRows.of(AutoTokenizer.from_pretrained(MODEL), talks, MAX_TOKENS, "truncate_left")
    # as the scorer does: a row that lost its beginning shares none
    begun = [None if row.truncated else prompt for row, prompt in zip(rows.encoded, rows.prompts, strict=True)]
    classifier = Classifier(model, 0, BUDGET)
    found: dict[str, list[float]] = {}

    def way(name: str, turns_of_rows: list[Any] | None) -> Callable[[], None]:
        return lambda: found.update({name: classifier.logits(rows.encoded, turns_of_rows)})

    passed: dict[str, int] = {}
    for name, turns_of_rows in (("shared", begun), ("whole", None)):
        before = classifier.passed.tokens
        way(name, turns_of_rows)()
        passed[name] = classifier.passed.tokens - before
    seconds = least_seconds({"shared": way("shared", begun), "whole": way("whole", None)}, 1)
    ratio = seconds["shared"] / seconds["whole"]
    for name in ("shared", "whole"):
        tell_model(
            f"shared prompt / plain, {file}, {name}", model, dtype=format_of(model), seconds=seconds[name],
            tokens=passed[name], ratio=ratio, share_of_tokens=passed["shared"] / passed["whole"], prompts=str(prompts),
            responses=str(len(rows.encoded)),
        )  # fmt: skip
    assert found["shared"] == pytest.approx(found["whole"], abs=apart(model))


def test_what_the_rule_chooses_is_faster(model: Any) -> None:
    equations: list[tuple[float, float, float, float]] = []
    ratios: list[float] = []
    for tokens in PROMPTS:
        for responses in RESPONSES:
            rows, prompts = rows_of(max(1, 512 // (tokens * responses)), tokens, responses)
            seconds, shared, whole = measured(model, rows, prompts)
            ratio = seconds["shared"] / seconds["whole"]
            chosen = pays(shared, whole)
            tell_model(
                f"prompt {tokens} tokens x {responses} responses of {REST} x {prompts[-1] + 1} prompts, shared / whole",
                model, dtype=format_of(model), seconds=seconds["whole"], tokens=sum(len(row.input_ids) for row in rows),
                ratio=ratio, expected=shared.cost / whole.cost, chosen="shared" if chosen else "whole",
            )  # fmt: skip
            equations += [
                (work.tokens, work.cached, work.passes, seconds[way])
                for way, work in (("shared", shared), ("whole", whole))
            ]
            if chosen:
                ratios.append(ratio)
    table = np.array(equations)
    # Relative errors count, so that the short runs do as much as the long ones.
    fitted = np.linalg.lstsq(table[:, :3] / table[:, 3:], np.ones(len(table)), rcond=None)[0]
    token, cached, one_pass = fitted
    sys.stdout.write(
        f"\none token {token * 1e3:.2f} ms in {format_of(model)}; cached {cached / token:.3f}, a pass "
        f"{one_pass / token:.0f} of it\n"
    )
    assert min(ratios) < 0.5
    assert max(ratios) < 1.1  # a busy machine scatters by a tenth
