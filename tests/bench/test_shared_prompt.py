"""Rewards with a prompt's pass shared, against whole rows; both take turns. Prints what the rule of sharing rests on.

Two tests: real prompts, as the scorer meets them; and random ones, by which the rule was fitted (gpu_shared_prompt.py,
which says what is printed).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from synpref.engines.classifier import Classifier
from synpref.engines.device import choose_dtype
from synpref.engines.quiet import quiet_transformers
from synpref.engines.reward import BATCH_TOLERANCE
from synpref.engines.reward_rows import RewardRows
from tests.bench.gpu_shared_prompt import REST, fitted, measured, rows_of
from tests.bench.texts import asked, needs_pairs, pairs
from tests.bench.turns import least_seconds, tell_model

MODEL = Path(__file__).resolve().parents[2] / ".cache/models/smollm2-135m-instruct"
BUDGET, MAX_TOKENS = 2048, 1024
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


def format_of(model: Any) -> str:
    return str(model.dtype).removeprefix("torch.")


def apart(model: Any) -> float:
    """How far the two ways' rewards may lie apart."""
    return 1e-3 if format_of(model) == "float32" else 2 * BATCH_TOLERANCE[format_of(model)]


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
    found = []
    for tokens in PROMPTS:
        for responses in RESPONSES:
            rows, prompts = rows_of(max(1, 512 // (tokens * responses)), tokens, responses)
            one = measured(Classifier(model, 0, BUDGET), rows, prompts)
            assert one.rewards["shared"] == pytest.approx(one.rewards["whole"], abs=apart(model))
            found.append(one)
            tell_model(
                f"prompt {tokens} tokens x {responses} responses of {REST} x {prompts[-1] + 1} prompts, shared / whole",
                model, dtype=format_of(model), seconds=one.seconds["whole"],
                tokens=sum(len(row.input_ids) for row in rows), ratio=one.ratio, expected=one.expected,
                chosen=one.chosen,
            )  # fmt: skip
    token, cached, one_pass = fitted(found)
    sys.stdout.write(
        f"\none token {token * 1e3:.2f} ms in {format_of(model)}; cached {cached / token:.3f}, a pass "
        f"{one_pass / token:.0f} of it\n"
    )
    ratios = [one.ratio for one in found if one.chosen == "shared"]
    assert min(ratios) < 0.5
    assert max(ratios) < 1.1  # a busy machine scatters by a tenth
