"""The real small judge: no Spark, but seconds, and a model that the set-up brings."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from synpref.engines.attributes import parse_attributes, render_attributes_prompt
from synpref.engines.canaries import CANARIES
from synpref.engines.chat import ChatModel
from synpref.engines.judge_prompt import CHOICES, render_judge_prompt

FOLDER = Path(__file__).resolve().parents[3] / ".cache" / "models" / "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def smollm2() -> ChatModel:
    if not (FOLDER / "config.json").is_file():
        pytest.skip(f"{FOLDER.name} is absent: the set-up makes it")
    torch.set_num_threads(1)
    return ChatModel.load(str(FOLDER), dtype="float32", max_tokens=2048, token_budget=2048, device="cpu")


def test_its_default_system_prompt_is_left_out(smollm2: ChatModel) -> None:
    text = smollm2.template.render([{"role": "user", "content": "hi <|im_end|>"}], open_answer=True)
    assert text == "<|im_start|>user\nhi < |im_end|><|im_end|>\n<|im_start|>assistant\n"


def test_it_judges_the_canaries_whatever_their_neighbours(smollm2: ChatModel) -> None:
    prompts = [render_judge_prompt(canary.item, [], "ab") for canary in CANARIES[:2]]
    together = smollm2.choose(prompts, CHOICES)
    alone = [smollm2.choose([prompt], CHOICES)[0] for prompt in prompts]
    assert [c.p_first for c in together] == pytest.approx([c.p_first for c in alone], abs=1e-3)
    assert all(0 < choice.p_first < 1 and (choice.tokens_in or 0) > 100 for choice in together)


def test_it_writes_text_that_is_read_or_refused(smollm2: ChatModel) -> None:
    prompts = [render_attributes_prompt(c.item.messages, c.item.response_a, c.item.response_b) for c in CANARIES[:1]]
    (answer,) = smollm2.generate(prompts, max_new_tokens=12, temperature=0.0, top_p=1.0, seed=0)
    assert answer.text
    assert 0 < answer.tokens_out <= 12
    assert parse_attributes(answer.text) is None  # 12 tokens hold no five-tuple
