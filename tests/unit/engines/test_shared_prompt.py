"""Responses to one prompt: which of them share its pass, and that sharing changes no reward."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    GemmaConfig,
    GemmaForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    MistralConfig,
    MistralForSequenceClassification,
    Qwen3Config,
    Qwen3ForSequenceClassification,
)

from synpref.engines.classifier import _Begun
from synpref.engines.reward import BATCH_TOLERANCE, RewardScorer
from synpref.engines.shared_prompt import (
    LEAST_GAIN,
    MEASURED_ON,
    Shared,
    Work,
    pays,
    prompt_batches,
    shared_prompts,
    work_shared,
    work_whole,
    worth_sharing,
)
from synpref.engines.tokenise import Conversation

KINDS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "llama": (LlamaConfig, LlamaForSequenceClassification, {}),
    "qwen3": (Qwen3Config, Qwen3ForSequenceClassification, {"head_dim": 8}),
    "gemma": (GemmaConfig, GemmaForSequenceClassification, {"head_dim": 8}),
    "mistral": (MistralConfig, MistralForSequenceClassification, {"sliding_window": 16}),
}


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory, chat_tokenizer: Callable[[str], Any]) -> Callable[[str], Path]:
    """A folder with a small random classifier of a kind; its head is large enough to tell answers apart."""

    def build(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        tokenizer = chat_tokenizer("default_system")
        config, classifier, more = KINDS[kind]
        torch.manual_seed(0)
        model = classifier(
            config(
                vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, num_labels=1,
                pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id, **more,
            )
        )  # fmt: skip
        torch.nn.init.normal_(model.score.weight)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return build


def load(folder: Path, **changes: Any) -> RewardScorer:
    settings: dict[str, Any] = {
        "dtype": "float32",
        "max_tokens": 400,
        "overlong": "truncate_left",
        "token_budget": 1000,
        "device": "cpu",
    }
    return RewardScorer.load(str(folder), **settings | changes)


def talks() -> list[Conversation]:
    """Several answers to prompts of several lengths, mixed."""
    draw = random.Random(0)
    found = [
        Conversation([{"role": "user", "content": f"{number}" * length}], "".join(draw.choices("abc ", k=size)))
        for number, length in enumerate((150, 60, 100, 3))
        for size in (1, 30, 9, 17)
    ]
    draw.shuffle(found)
    return found


def shapes(scorer: RewardScorer, conversations: list[Conversation]) -> list[tuple[int, ...]]:
    """(rows, width) of each pass of the model while it scores."""
    seen: list[tuple[int, ...]] = []
    hook = scorer.model.get_input_embeddings().register_forward_pre_hook(
        lambda _layer, args: seen.append(tuple(args[0].shape))
    )
    scorer.score(conversations)
    hook.remove()
    return seen


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma"])
def test_a_shared_prompt_changes_no_reward(folder_of: Callable[[str], Path], kind: str) -> None:
    folder = folder_of(kind)
    sharing, whole = load(folder), load(folder, shared_prompt="off")
    assert sharing.shares_prompt
    found = [one.reward for one in sharing.score(talks())]
    plain = [one.reward for one in whole.score(talks())]
    assert all(abs(a - b) <= BATCH_TOLERANCE["float32"] * max(1, abs(a)) for a, b in zip(plain, found, strict=True))
    assert len({round(reward, 2) for reward in plain}) > 10  # the head tells them apart
    computed = [sum(rows * width for rows, width in shapes(one, talks())) for one in (sharing, whole)]
    assert computed[0] < 0.7 * computed[1]


def test_nothing_is_shared_on_a_device_on_which_the_rule_was_not_measured(
    folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cuda" not in MEASURED_ON
    monkeypatch.setattr("synpref.engines.reward.MEASURED_ON", frozenset({"cuda"}))  # the processor is such a device
    assert not load(folder_of("llama")).shares_prompt


def test_prompts_of_several_lengths_share_one_pass(folder_of: Callable[[str], Path]) -> None:
    scorer = load(folder_of("llama"), token_budget=100_000)
    (prompts, _), (answers, _) = shapes(scorer, [talk for talk in talks() if len(talk.messages[0]["content"]) > 3])
    assert (prompts, answers) == (3, 12)


def test_cut_rows_share_nothing_and_keep_their_reward(folder_of: Callable[[str], Path]) -> None:
    folder = folder_of("llama")
    long = [Conversation([{"role": "user", "content": "x" * 600}], answer) for answer in ("yes", "no", "maybe")]
    sharing, whole = load(folder), load(folder, shared_prompt="off")
    assert [one.reward for one in sharing.score(long)] == pytest.approx(
        [one.reward for one in whole.score(long)], abs=1e-4
    )
    assert all(one.truncated for one in sharing.score(long))
    assert all(width == 400 for _, width in shapes(sharing, long))


def test_a_model_that_shares_one_prompt_well_and_several_badly_is_scored_whole(
    folder_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed_up = _Begun.continued

    def first_for_all(begun: _Begun, rest: dict[str, torch.Tensor], places: torch.Tensor) -> dict[str, Any]:
        return mixed_up(begun, rest, torch.zeros_like(places))

    folder = folder_of("llama")
    assert load(folder).shares_prompt
    assert load(folder, max_tokens=90).shares_prompt  # the longer canaries are cut, the others tell
    assert not load(folder, max_tokens=8).shares_prompt  # none tells
    monkeypatch.setattr(_Begun, "continued", first_for_all)
    assert not load(folder).shares_prompt


def test_a_sliding_window_or_an_encoder_is_scored_whole(folder_of: Callable[[str], Path], reward_folder: Path) -> None:
    assert not load(folder_of("mistral")).shares_prompt
    assert not load(reward_folder, max_tokens=128).shares_prompt


def test_no_logits_of_words_are_computed(folder_of: Callable[[str], Path]) -> None:
    model = load(folder_of("llama")).model
    assert model.get_output_embeddings() is None
    assert not any("lm_head" in name for name, _ in model.named_modules())


def test_whole_rows_keep_no_keys_and_values(folder_of: Callable[[str], Path]) -> None:
    model = load(folder_of("llama")).model
    with torch.inference_mode():
        assert model(torch.ones(1, 3, dtype=torch.int64)).past_key_values is None


ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 40), st.lists(st.integers(5, 9), min_size=1, max_size=30)), max_size=12
).map(lambda drawn: [(prompt, [prompt] * (20 * prompt + 1) + answer) for prompt, _, answer in drawn])


def split(drawn: Sequence[tuple[int, list[int]]]) -> tuple[list[list[int]], list[int]]:
    return [row for _, row in drawn], [prompt for prompt, _ in drawn]


@given(ROWS, st.integers(1, 400))
def test_a_plan_names_each_row_once_under_its_own_prompt_and_within_the_budget(
    drawn: list[tuple[int, list[int]]], budget: int
) -> None:
    rows, prompts = split(drawn)
    shared = shared_prompts(rows, prompts)
    plan = prompt_batches(shared, [len(row) for row in rows], budget)
    placed = [(one.prompts[place], row) for one in plan for batch in one.batches for place, row in batch]
    assert sorted(row for _, row in placed) == sorted(row for one in shared for row in one.rows)
    for prompt, row in placed:
        first = rows[prompt.rows[0]]
        assert row in prompt.rows
        assert rows[row][: prompt.tokens] == first[: prompt.tokens]
        assert len(rows[row]) > prompt.tokens  # a last token is left to be pooled
    for one in plan:
        width = max(prompt.tokens for prompt in one.prompts)
        assert len(one.prompts) == 1 or width * len(one.prompts) <= budget
        for batch in one.batches:
            longest = max(len(rows[row]) - one.prompts[place].tokens for place, row in batch)
            assert len(batch) == 1 or (width + longest) * len(batch) <= budget


@given(ROWS, st.integers(1, 400))
def test_sharing_is_chosen_only_where_the_count_of_tokens_says_so(
    drawn: list[tuple[int, list[int]]], budget: int
) -> None:
    rows, prompts = split(drawn)
    lengths = [len(row) for row in rows]
    plan = worth_sharing(rows, prompts, budget)
    if plan:
        mine = [lengths[row] for one in plan for batch in one.batches for _, row in batch]
        whole = work_whole(mine, budget)
        assert work_shared(plan, lengths).cost < whole.cost
        assert work_shared(plan, lengths).tokens < whole.tokens


@given(ROWS, st.integers(1, 400))
def test_packed_rows_are_shared_only_where_that_saves_tokens_that_are_none_of_padding(
    drawn: list[tuple[int, list[int]]], budget: int
) -> None:
    rows, prompts = split(drawn)
    lengths = [len(row) for row in rows]
    plan = worth_sharing(rows, prompts, budget, packed=True)
    mine = [lengths[row] for one in plan for batch in one.batches for _, row in batch]
    packed = work_whole(mine, budget, packed=True)
    assert packed.tokens == sum(mine)
    if plan:
        assert work_shared(plan, lengths).cost < packed.cost


def test_a_prompt_that_only_padding_makes_dear_is_shared_with_padded_rows_and_not_with_packed_ones() -> None:
    begun = [7] * 1000
    rows = [begun + [8] * 1000, [*begun, *[9] * 10]]
    assert [one.rows for one in worth_sharing(rows, [0, 0], 4000)[0].prompts] == [(0, 1)]  # 3,000 tokens for 4,000
    assert worth_sharing(rows, [0, 0], 4000, packed=True) == []  # for 3,010
    assert worth_sharing([*rows, *rows], [0] * 4, 8000, packed=True)  # 5,000 for 6,020


def test_packed_rows_of_a_batch_cost_one_pass() -> None:
    assert work_whole([5, 3, 2], 10, packed=True) == Work(10, 0, 1)
    assert work_whole([5, 3, 2], 8, packed=True) == Work(10, 0, 2)
    assert work_whole([5, 3, 2], 15) == Work(15, 0, 1)


@given(ROWS, st.integers(1, 400))
def test_one_response_a_prompt_or_no_prompt_shares_nothing(drawn: list[tuple[int, list[int]]], budget: int) -> None:
    rows, _ = split(drawn)
    assert worth_sharing(rows, list(range(len(rows))), budget) == []
    assert worth_sharing(rows, [None] * len(rows), budget) == []


@settings(deadline=None)  # long prompts take their time on a busy machine
@given(st.integers(1, 4000), st.integers(2, 64), st.integers(1, 500))
def test_a_longer_prompt_or_a_further_response_never_turns_sharing_off(tokens: int, count: int, rest: int) -> None:
    def chosen(tokens: int, count: int) -> bool:
        lengths = [tokens + rest] * count
        budget = sum(lengths)
        shared = work_shared(prompt_batches([Shared(tuple(range(count)), tokens)], lengths, budget), lengths)
        return pays(shared, work_whole(lengths, budget))

    if chosen(tokens, count):
        assert chosen(tokens + 1, count)
        assert chosen(tokens, count + 1)


def test_a_gain_within_the_scatter_of_measurement_is_none() -> None:
    whole = Work(10_000, 0, 1)
    assert not pays(Work(int(10_000 * (1 - LEAST_GAIN)) + 1, 0, 1), whole)
    assert pays(Work(int(10_000 * (1 - LEAST_GAIN)) - 1000, 0, 1), whole)
