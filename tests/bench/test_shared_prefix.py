"""A judge that computes its protocol once, against one that reads it anew in every prompt; both take turns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from synpref.engines import chat
from synpref.engines.chat import ChatModel
from synpref.engines.device import choose_dtype
from synpref.engines.judge_prompt import JudgeItem, render_judge_prompt
from synpref.engines.reward import BATCH_TOLERANCE
from tests.bench.turns import least_seconds, tell_model

MODEL = Path(__file__).resolve().parents[2] / ".cache/models/smollm2-135m-instruct"
ROUNDS, PROMPTS = 3, 16


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small chat model is absent: run `make setup`")
def test_a_shared_protocol_saves_a_third_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    dtype = choose_dtype().dtype
    judge = ChatModel.load(str(MODEL), dtype=dtype, max_tokens=2048, token_budget=4096)
    items = [
        JudgeItem([{"role": "user", "content": f"How many legs have {n} cats?"}], f"{4 * n}.", f"About {n}.")
        for n in range(PROMPTS)
    ]
    prompts = [render_judge_prompt(item, [], "ab") for item in items]
    answers: dict[str, list[float]] = {}
    passed: dict[str, int] = {}

    def way(name: str) -> Callable[[], None]:
        def run() -> None:
            before = judge.passed.tokens
            with monkeypatch.context() as patched:
                if name == "whole":
                    patched.setattr(chat, "shared_prefix", lambda model, rows: None)
                answers[name] = [choice.p_first for choice in judge.choose(prompts, ("1", "2"))]
            passed[name] = judge.passed.tokens - before

        return run

    seconds = least_seconds({name: way(name) for name in ("shared", "whole")}, ROUNDS)
    ratio = seconds["whole"] / seconds["shared"]
    for name in ("shared", "whole"):
        tell_model(
            f"verdicts with a shared protocol, {name}", judge.model, dtype=dtype, seconds=seconds[name],
            tokens=passed[name], ratio=ratio, verdicts=str(PROMPTS),
        )  # fmt: skip
    apart = 1e-4 if dtype == "float32" else BATCH_TOLERANCE[dtype]
    assert answers["shared"] == pytest.approx(answers["whole"], abs=apart)
    assert ratio > 1.5
