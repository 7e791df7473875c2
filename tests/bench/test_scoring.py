"""Scoring pairs: against transformers' own pipeline, and against fixed batches of eight, each in its best format."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from synpref.engines.device import choose_dtype
from synpref.engines.padding import pad_batch
from synpref.engines.reward import RewardScorer
from synpref.engines.tokenise import Encoded, encode_conversations
from synpref.engines.transcript import transcript
from tests.bench.texts import asked, make_decoder_reward_model, make_reward_model, needs_model, needs_pairs, pairs
from tests.bench.turns import FORMATS, Ways, has_amx, least_seconds, quickest, tell_model

PROMPTS, ROUNDS, MAX_TOKENS, FIXED = 2, 2, 512, 8
SAMPLE = 8  # texts by which the other side's best format is found

pytestmark = [needs_model, needs_pairs, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reward_model(tmp_path_factory.mktemp("reward model"))


@pytest.fixture(scope="module")
def scorer(folder: Path) -> RewardScorer:
    return _load(folder, MAX_TOKENS)


def _load(folder: Path, max_tokens: int) -> RewardScorer:
    torch.set_num_threads(2)
    dtype = choose_dtype().dtype
    return RewardScorer.load(
        str(folder), dtype=dtype, max_tokens=max_tokens, overlong="truncate_left", token_budget=None
    )


def test_whole_prompts_are_scored_faster_than_by_the_pipeline(folder: Path, scorer: RewardScorer) -> None:
    compared = pairs("alpaca_eval_llm_judged", PROMPTS)
    conversations = asked(compared)
    texts = [{"text": transcript(one.messages), "text_pair": one.response} for one in conversations]

    def theirs(whole: Any, some: list[dict[str, str]]) -> None:
        # the longest it can take, as ours
        whole(some, truncation=True, max_length=MAX_TOKENS, function_to_apply="none")

    pipelines = {dtype: _pipeline(folder, dtype) for dtype in FORMATS}
    best = quickest({dtype: partial(theirs, whole, texts[:SAMPLE]) for dtype, whole in pipelines.items()})
    ways: Ways = {"ours": partial(scorer.score, conversations), "pipeline": partial(theirs, pipelines[best], texts)}
    before = scorer.passed.tokens
    seconds = least_seconds(ways, ROUNDS)
    ratio = seconds["pipeline"] / seconds["ours"]
    tell_model(
        "scoring / pipeline", scorer.model, dtype=_format(scorer), seconds=seconds["ours"],
        tokens=(scorer.passed.tokens - before) / ROUNDS, ratio=ratio, pairs=str(len(compared)),
        responses=str(len({(str(one.messages), one.response) for one in conversations})),
        pairs_per_second=len(compared) / seconds["ours"], pipeline_dtype=best,
    )  # fmt: skip
    assert ratio >= (5 if has_amx() else 2)


def test_batches_by_tokens_beat_fixed_batches_of_eight(folder: Path, scorer: RewardScorer) -> None:
    """Nearly all texts fill the positions that this model has: there is little padding to save."""
    assert _over_batches_of_eight("MiniLM, 512 tokens", folder, scorer, PROMPTS, ROUNDS) >= 1.5


def test_so_they_do_where_texts_are_not_cut(tmp_path: Path) -> None:
    """A decoder of 2,048 tokens, which reads these texts whole."""
    folder = make_decoder_reward_model(tmp_path)
    assert _over_batches_of_eight("SmolLM2-135M, 2,048 tokens", folder, _load(folder, 2048), 1, 1) >= 1.5


def _over_batches_of_eight(what: str, folder: Path, scorer: RewardScorer, prompts: int, rounds: int) -> float:
    unique = {(str(one.messages), one.response): one for one in asked(pairs("alpaca_eval_llm_judged", prompts))}
    conversations = list(unique.values())
    pad = scorer.tokenizer.pad_token_id or 0
    encoded = encode_conversations(scorer.tokenizer, conversations, scorer.max_tokens, "truncate_left")

    def fixed(plain: Any) -> None:
        rows = encode_conversations(scorer.tokenizer, conversations, scorer.max_tokens, "truncate_left")
        for start in range(0, len(rows), FIXED):
            _padded(plain, rows[start : start + FIXED], pad)

    plain = {dtype: _classifier(folder, dtype).eval() for dtype in FORMATS}
    best = quickest({dtype: partial(_padded, model, encoded[:FIXED], pad) for dtype, model in plain.items()})
    before = scorer.passed.tokens
    ways: Ways = {"ours": partial(scorer.score, conversations), "fixed": partial(fixed, plain[best])}
    seconds = least_seconds(ways, rounds)
    ratio = seconds["fixed"] / seconds["ours"]
    tokens = sum(len(row.input_ids) for row in encoded)
    padded = sum(
        FIXED * max(len(row.input_ids) for row in encoded[start : start + FIXED])
        for start in range(0, len(encoded), FIXED)
    )
    tell_model(
        f"scoring / batches of {FIXED}, {what}", scorer.model, dtype=_format(scorer), seconds=seconds["ours"],
        tokens=(scorer.passed.tokens - before) / rounds, ratio=ratio, responses=str(len(conversations)),
        token_budget=str(scorer.token_budget), padding=padded / tokens, shares_prompt=str(scorer.shares_prompt),
        truncated=str(sum(row.truncated for row in encoded)), fixed_dtype=best,
    )  # fmt: skip
    return ratio


def _padded(model: Any, rows: Sequence[Encoded], pad: int) -> None:
    with torch.inference_mode():
        model(**pad_batch(rows, pad))


def _pipeline(folder: Path, dtype: str) -> Any:
    build: Any = pipeline  # typed for each task apart
    return build(
        "text-classification", model=_classifier(folder, dtype), tokenizer=AutoTokenizer.from_pretrained(folder),
        device="cpu",
    )  # fmt: skip


def _classifier(folder: Path, dtype: str) -> Any:
    return AutoModelForSequenceClassification.from_pretrained(folder, dtype=getattr(torch, dtype))


def _format(scorer: RewardScorer) -> str:
    return str(scorer.model.dtype).removeprefix("torch.")
