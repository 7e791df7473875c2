"""A judge that computes its protocol once, against one that reads it anew in every prompt; both take turns."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from synpref.engines import chat, device
from synpref.engines.chat import ChatModel
from synpref.engines.judge_prompt import JudgeItem, render_judge_prompt

MODEL = Path(__file__).resolve().parents[2] / ".cache/models/smollm2-135m-instruct"
ROUNDS, PROMPTS = 3, 16


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small chat model is absent: run `make setup`")
def test_a_shared_protocol_saves_a_third_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = ChatModel.load(str(MODEL), dtype="float32", max_tokens=2048, token_budget=4096)
    items = [
        JudgeItem([{"role": "user", "content": f"How many legs have {n} cats?"}], f"{4 * n}.", f"About {n}.")
        for n in range(PROMPTS)
    ]
    prompts = [render_judge_prompt(item, [], "ab") for item in items]
    seconds: dict[str, list[float]] = {"shared": [], "whole": []}
    answers = {}
    for _ in range(ROUNDS):
        for way, times in seconds.items():
            with monkeypatch.context() as patched:
                if way == "whole":
                    patched.setattr(chat, "shared_prefix", lambda model, rows: None)
                started = time.perf_counter()
                answers[way] = [choice.p_first for choice in judge.choose(prompts, ("1", "2"))]
                times.append(time.perf_counter() - started)
    ratio = min(seconds["whole"]) / min(seconds["shared"])
    facts = device.device_facts()
    sys.stdout.write(
        f"\n{facts.name} {' '.join(facts.features)}: {PROMPTS} verdicts {ratio:.2f} x as fast with a shared protocol\n"
    )
    assert answers["shared"] == pytest.approx(answers["whole"], abs=1e-4)
    assert ratio > 1.5
