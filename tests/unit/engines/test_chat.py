from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from synpref.engines.chat import ChatModel
from synpref.engines.choice import Choice
from synpref.engines.prompt_window import PromptWindow
from synpref.engines.rationale import INSTRUCTION, instructed
from synpref.errors import InputError

PROMPTS = [[{"role": "user", "content": text}] for text in ("hi", "a much longer question than the others", "1 or 2?")]


@pytest.fixture(scope="module")
def chat(chat_folder: Path) -> ChatModel:
    return ChatModel.load(str(chat_folder), dtype="float32", max_tokens=200, token_budget=400, device="cpu")


def test_a_choice_is_the_share_of_its_first_token_at_the_last_position(chat: ChatModel) -> None:
    tokenizer = chat.template.tokenizer
    text = chat.template.render(PROMPTS[0], open_answer=True)
    with torch.inference_mode():
        logits = chat.model(**tokenizer(text, add_special_tokens=False, return_tensors="pt")).logits[0, -1]
    one, two = (tokenizer(choice)["input_ids"][0] for choice in "12")
    (choice,) = chat.choose(PROMPTS[:1], ("1", "2"))
    assert choice.p_first == pytest.approx(logits[[one, two]].softmax(dim=0)[0].item(), abs=1e-6)
    assert choice.raw == tokenizer.decode([int(logits.argmax())])
    assert (choice.tokens_in, choice.tokens_out) == (len(tokenizer(text)["input_ids"]), 1)


def test_swapped_choices_swap_the_probability(chat: ChatModel) -> None:
    forward, backward = chat.choose(PROMPTS, ("1", "2")), chat.choose(PROMPTS, ("2", "1"))
    assert [choice.p_first for choice in forward] == pytest.approx(
        [1 - choice.p_first for choice in backward], abs=1e-6
    )


def test_left_padding_changes_no_choice_and_no_greedy_text(chat: ChatModel) -> None:
    greedy: dict[str, Any] = {"max_new_tokens": 6, "temperature": 0.0, "top_p": 1.0, "seed": 0}
    alone = [chat.choose([prompt], ("1", "2"))[0] for prompt in PROMPTS]
    together = chat.choose(PROMPTS, ("1", "2"))
    assert [c.p_first for c in together] == pytest.approx([c.p_first for c in alone], abs=1e-5)
    assert chat.generate(PROMPTS, **greedy) == [chat.generate([prompt], **greedy)[0] for prompt in PROMPTS]


def test_sampling_repeats_by_its_seed_and_leaves_the_callers_draws_alone(chat: ChatModel) -> None:
    def sampled(seed: int) -> list[str]:
        return [
            answer.text for answer in chat.generate(PROMPTS, max_new_tokens=12, temperature=1.0, top_p=0.9, seed=seed)
        ]

    torch.manual_seed(3)
    untouched = torch.rand(1)
    torch.manual_seed(3)
    first = sampled(1)
    assert torch.rand(1) == untouched
    assert sampled(1) == first
    assert sampled(2) != first


def test_samples_of_one_prompt_are_computed_once(chat: ChatModel) -> None:
    before = chat.passed.tokens
    first, again, other = chat.choose([PROMPTS[0], PROMPTS[0], PROMPTS[1]], ("1", "2"))
    assert first == again
    assert chat.passed.tokens - before == (first.tokens_in or 0) + (other.tokens_in or 0)


def test_no_more_is_written_than_asked(chat: ChatModel) -> None:
    answers = chat.generate(PROMPTS, max_new_tokens=3, temperature=1.0, top_p=1.0, seed=0)
    assert all(1 <= answer.tokens_out <= 3 for answer in answers)


def test_an_overlong_prompt_is_not_run_and_the_others_are(chat: ChatModel) -> None:
    prompts = [[{"role": "user", "content": "x" * 500}], PROMPTS[0]]
    long, short = chat.choose(prompts, ("1", "2"))
    assert (math.isnan(long.p_first), long.raw, long.tokens_out) == (True, "", 0)
    assert (long.tokens_in or 0) > 500
    assert 0 <= short.p_first <= 1
    written, _ = chat.generate(prompts, max_new_tokens=2, temperature=0.0, top_p=1.0, seed=0)
    assert (written.text, written.tokens_out) == ("", 0)


def test_a_window_holds_the_prompts_that_a_model_of_that_length_runs(chat: ChatModel, chat_folder: Path) -> None:
    tokens = [choice.tokens_in or 0 for choice in chat.choose(PROMPTS, ("1", "2"))]
    assert len(set(tokens)) > 1
    fits = PromptWindow(str(chat_folder), max_tokens=min(tokens)).measure()
    assert fits(PROMPTS) == [count == min(tokens) for count in tokens]


def test_choices_that_begin_alike_are_an_error(chat: ChatModel) -> None:
    with pytest.raises(InputError, match="begin with one token"):
        chat.choose(PROMPTS, ("1a", "1b"))


def test_prompts_that_were_prepared_ahead_get_the_same_choices(chat: ChatModel) -> None:
    before = chat.passed.tokens
    rows, others = chat.prepare([*PROMPTS, PROMPTS[0]]), chat.prepare(PROMPTS[::-1])
    assert chat.passed.tokens == before
    assert chat.choose_rows(rows, ("1", "2")) == chat.choose([*PROMPTS, PROMPTS[0]], ("1", "2"))
    assert chat.choose_rows(others, ("1", "2")) == chat.choose(PROMPTS[::-1], ("1", "2"))


def test_choosing_leaves_the_tokenizer_as_the_thread_that_prepares_the_next_prompts_needs_it(chat: ChatModel) -> None:
    marked = [[{"role": "user", "content": "<|im_start|> is text"}]]
    rows = chat.prepare(marked)
    replace(chat, rationale_tokens=3).choose_rows(rows, ("1", "2"))
    assert chat.template.tokenizer.backend_tokenizer.encode_special_tokens is False
    assert chat.prepare(marked) == rows


def test_a_rationale_is_what_the_model_writes_behind_its_choice_and_changes_no_verdict(chat: ChatModel) -> None:
    reasons = replace(chat, max_tokens=400, rationale_tokens=9)
    asked = [instructed(prompt, INSTRUCTION) for prompt in PROMPTS]
    before = chat.passed.tokens
    plain = replace(chat, max_tokens=400).choose(asked, ("1", "2"))
    told = reasons.choose([*PROMPTS, PROMPTS[0]], ("1", "2"))
    assert told.pop() == told[0]
    assert [one.p_first for one in told] == pytest.approx([one.p_first for one in plain], abs=1e-6)
    assert chat.passed.tokens - before > 2 * sum(one.tokens_in or 0 for one in told)
    for prompt, one in zip(asked, told, strict=True):
        said = "1" if one.p_first > 0.5 else "2"
        text = chat.template.render(prompt, open_answer=True) + f"{said}."
        ids = chat.template.tokenizer(text, add_special_tokens=False, return_tensors="pt")
        written = chat.model.generate(**ids, max_new_tokens=9, do_sample=False)[0, ids["input_ids"].shape[1] :]
        words = str(chat.template.tokenizer.decode(written, skip_special_tokens=True)).split()
        assert one.raw == " ".join([f"{said}.", *words])
        assert 2 < (one.tokens_out or 0) <= 2 + 9
    long, _ = reasons.choose([[{"role": "user", "content": "x" * 900}], PROMPTS[0]], ("1", "2"))
    assert (math.isnan(long.p_first), long.raw, long.tokens_out) == (True, "", 0)


def test_no_rationale_is_made_up_where_no_choice_is_the_likelier_one(
    chat: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    even = Choice(0.5, "?", 7, 1)
    monkeypatch.setattr(ChatModel, "_choices", lambda *_: [even])
    assert replace(chat, rationale_tokens=9).choose(PROMPTS[:1], ("1", "2")) == [even]


def test_a_model_has_positions_for_its_rationale_too(chat_folder: Path) -> None:
    positions = json.loads((chat_folder / "config.json").read_text())["max_position_embeddings"]
    given: dict[str, Any] = {"dtype": "float32", "max_tokens": positions - 20, "token_budget": 400, "device": "cpu"}
    ChatModel.load(str(chat_folder), **given)
    with pytest.raises(InputError, match="with 38 tokens of a rationale behind them exceeds"):
        ChatModel.load(str(chat_folder), **given, rationale_tokens=30)


def test_a_window_leaves_room_for_what_is_said_behind_the_prompt(chat: ChatModel, chat_folder: Path) -> None:
    asked = [instructed(prompt, INSTRUCTION) for prompt in PROMPTS]
    tokens = [choice.tokens_in or 0 for choice in replace(chat, max_tokens=400).choose(asked, ("1", "2"))]
    fits = PromptWindow(str(chat_folder), min(tokens), INSTRUCTION).measure()
    assert fits(PROMPTS) == [count == min(tokens) for count in tokens]


def test_no_prompts_give_no_answers(chat: ChatModel) -> None:
    assert chat.choose([], ("1", "2")) == []
    assert chat.generate([], max_new_tokens=2, temperature=0.0, top_p=1.0, seed=0) == []
