"""Scoring pairs: against transformers' own pipeline, and against fixed batches of eight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, pipeline

from synpref.engines.padding import pad_batch
from synpref.engines.reward import RewardScorer
from synpref.engines.tokenise import encode_conversations
from synpref.engines.transcript import transcript
from tests.bench.texts import asked, make_decoder_reward_model, make_reward_model, needs_model, needs_pairs, pairs
from tests.bench.turns import encoder_flops, has_amx, least_seconds, matmul_peak, tell

PROMPTS, ROUNDS, MAX_TOKENS = 2, 2, 512

pytestmark = [needs_model, needs_pairs, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reward_model(tmp_path_factory.mktemp("reward model"))


@pytest.fixture(scope="module")
def scorer(folder: Path) -> RewardScorer:
    torch.set_num_threads(2)
    return RewardScorer.load(
        str(folder), dtype="float32", max_tokens=MAX_TOKENS, overlong="truncate_left", token_budget=None
    )


def test_whole_prompts_are_scored_faster_than_by_the_pipeline(folder: Path, scorer: RewardScorer) -> None:
    compared = pairs("alpaca_eval_llm_judged", PROMPTS)
    conversations = asked(compared)
    whole: Any = pipeline("text-classification", model=str(folder), device="cpu")
    texts = [{"text": transcript(one.messages), "text_pair": one.response} for one in conversations]

    def theirs() -> None:
        # the longest it can take, as ours
        whole(texts, truncation=True, max_length=MAX_TOKENS, function_to_apply="none")

    seconds = least_seconds({"ours": lambda: scorer.score(conversations), "pipeline": theirs}, ROUNDS)
    rows = scorer.score(conversations)
    tokens = sum({id(one): row.tokens for one, row in zip(conversations, rows, strict=True)}.values())
    config = scorer.model.config
    distinct = len({(str(one.messages), one.response) for one in conversations})
    share = distinct / len(conversations)
    flops = encoder_flops(int(tokens * share), config.num_hidden_layers, config.hidden_size, config.intermediate_size)
    ratio = seconds["pipeline"] / seconds["ours"]
    tell(
        "scoring / pipeline", ratio=ratio, pairs=str(len(compared)), responses=str(distinct), dtype="float32",
        pairs_per_second=len(compared) / seconds["ours"], tokens_per_second=tokens * share / seconds["ours"],
        of_matmul_peak=flops / seconds["ours"] / matmul_peak(),
    )  # fmt: skip
    assert ratio >= (5 if has_amx() else 2)


def test_batches_by_tokens_beat_fixed_batches_of_eight(folder: Path, scorer: RewardScorer) -> None:
    """Nearly all texts fill the positions that this model has: there is little padding to save."""
    assert _over_batches_of_eight("MiniLM, 512 tokens", folder, scorer, PROMPTS, ROUNDS) >= 1.5


def test_so_they_do_where_texts_are_not_cut(tmp_path: Path) -> None:
    """A decoder of 2,048 tokens, which reads these texts whole."""
    folder = make_decoder_reward_model(tmp_path)
    torch.set_num_threads(2)
    whole = RewardScorer.load(
        str(folder), dtype="float32", max_tokens=2048, overlong="truncate_left", token_budget=None
    )
    assert _over_batches_of_eight("SmolLM2-135M, 2,048 tokens", folder, whole, 1, 1) >= 1.5


def _over_batches_of_eight(what: str, folder: Path, scorer: RewardScorer, prompts: int, rounds: int) -> float:
    plain = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    unique = {(str(one.messages), one.response): one for one in asked(pairs("alpaca_eval_llm_judged", prompts))}
    conversations = list(unique.values())

    def fixed() -> None:
        encoded = encode_conversations(scorer.tokenizer, conversations, scorer.max_tokens, "truncate_left")
        with torch.inference_mode():
            for start in range(0, len(encoded), 8):
                batch = pad_batch(encoded[start : start + 8], scorer.tokenizer.pad_token_id or 0)
                plain(**batch)

    seconds = least_seconds({"ours": lambda: scorer.score(conversations), "fixed": fixed}, rounds)
    ratio = seconds["fixed"] / seconds["ours"]
    lengths = encode_conversations(scorer.tokenizer, conversations, scorer.max_tokens, "truncate_left")
    tokens = sum(len(row.input_ids) for row in lengths)
    padded = sum(
        8 * max(len(row.input_ids) for row in lengths[start : start + 8]) for start in range(0, len(lengths), 8)
    )
    tell(
        f"scoring / batches of 8, {what}", ratio=ratio, responses=str(len(conversations)), dtype="float32",
        token_budget=str(scorer.token_budget), tokens_per_second=tokens / seconds["ours"], padding=padded / tokens,
        shares_prompt=str(scorer.shares_prompt), truncated=str(sum(row.truncated for row in lengths)),
    )  # fmt: skip
    return ratio
