"""Rows end to end in one pass change no reward. Here they are attended row by row, on a GPU by torch's kernel."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Gemma3TextConfig,
    Gemma3TextForSequenceClassification,
    GemmaConfig,
    GemmaForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    MistralConfig,
    MistralForSequenceClassification,
    Qwen2Config,
    Qwen2ForSequenceClassification,
    Qwen3Config,
    Qwen3ForSequenceClassification,
)

from synpref.engines import packing, reward, reward_canary
from synpref.engines.classifier import Classifier
from synpref.engines.packing import MODEL_TYPES, can_pack, packed_batches, packed_logits, use_packing
from synpref.engines.reward import RewardScorer
from synpref.engines.tokenise import Encoded

KINDS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "llama": (LlamaConfig, LlamaForSequenceClassification, {}),
    "qwen2": (Qwen2Config, Qwen2ForSequenceClassification, {}),
    "qwen3": (Qwen3Config, Qwen3ForSequenceClassification, {"head_dim": 8}),
    "gemma": (GemmaConfig, GemmaForSequenceClassification, {"head_dim": 8}),
    "gemma3": (Gemma3TextConfig, Gemma3TextForSequenceClassification, {
        "head_dim": 8, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}),
    "mistral": (MistralConfig, MistralForSequenceClassification, {"sliding_window": 16}),
}  # fmt: skip
PAD, VOCABULARY = 0, 60
LENGTHS = (23, 1, 40, 7, 7, 31)


def whole(
    query: Any, key: Any, value: Any, *, scale: Any = None, window_size: Any = (-1, -1), enable_gqa: Any = False
) -> None:
    """As torch's attention over rows of different lengths."""


def without_window(query: Any, key: Any, value: Any, *, scale: Any = None, enable_gqa: Any = False) -> None:
    """As in a torch that has less of it."""


@pytest.mark.parametrize(("kernel", "used"), [(whole, True), (without_window, False), (None, False)])
def test_a_kernel_is_used_only_where_it_takes_all_that_is_asked_of_it(
    kernel: Any, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = ModuleType("torch.nn.attention.varlen")
    if kernel is not None:
        module.varlen_attn = kernel
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert packing._kernel() is (kernel if used else None)


def classifier_of(kind: str) -> Any:
    config, model, more = KINDS[kind]
    torch.manual_seed(0)
    made = model(
        config(
            vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=128, num_labels=1, pad_token_id=PAD, use_cache=False, **more,
        )
    )  # fmt: skip
    return made.eval()


def rows_of(lengths: Sequence[int]) -> list[Encoded]:
    draw = random.Random(0)
    return [Encoded([draw.randrange(1, VOCABULARY) for _ in range(n)], None, truncated=False) for n in lengths]


@pytest.mark.parametrize("kind", KINDS)
def test_packed_rows_have_the_logits_of_padded_ones(kind: str) -> None:
    model, rows = classifier_of(kind), rows_of(LENGTHS)
    plain = Classifier(model, PAD, token_budget=4096).logits(rows)
    assert len({round(logit, 4) for logit in plain}) == len(rows)
    use_packing(model)
    assert Classifier(model, PAD, token_budget=64, packs=True).logits(rows) == pytest.approx(plain, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_packed_is_computed_as_before(kind: str) -> None:
    model, rows = classifier_of(kind), rows_of(LENGTHS)
    plain = Classifier(model, PAD, token_budget=100).logits(rows)
    use_packing(model)
    assert Classifier(model, PAD, token_budget=100).logits(rows) == plain


def test_a_prompt_is_shared_where_that_costs_less_than_the_way_its_rows_would_go_otherwise() -> None:
    model, (long,) = classifier_of("llama"), rows_of([800])
    rows = [long, Encoded(long.input_ids[:404], None, truncated=False)]
    padded = Classifier(model, PAD, token_budget=1600)
    logits = padded.logits(rows, ["p", "p"])
    assert padded.passed.tokens < 800 + 404
    use_packing(model)
    packed = Classifier(model, PAD, token_budget=1600, packs=True)
    assert packed.logits(rows, ["p", "p"]) == pytest.approx(logits, abs=1e-4)
    assert packed.passed.tokens == 800 + 404


def test_gradients_flow_through_packed_rows() -> None:
    model, rows = classifier_of("llama"), rows_of(LENGTHS)
    use_packing(model)
    weight = model.score.weight
    (together,) = torch.autograd.grad(packed_logits(model, rows).sum(), weight)
    apart = [torch.autograd.grad(packed_logits(model, [row]).sum(), weight)[0] for row in rows]
    assert together.abs().max() > 0
    assert torch.allclose(torch.stack(apart).sum(dim=0), together, atol=1e-5)


def test_a_processor_and_an_encoder_keep_padded_batches() -> None:
    kind: Any = BertForSequenceClassification
    encoder = kind(
        BertConfig(vocab_size=60, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64)
    )
    assert not can_pack(classifier_of("llama"))
    assert not can_pack(encoder)
    assert encoder.config.model_type not in MODEL_TYPES


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 120))
def test_every_row_comes_once_and_no_batch_exceeds_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(packed_batches(lengths, budget))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    assert all(len(batch) == 1 or sum(lengths[place] for place in batch) <= budget for batch in batches)


def load_packing(monkeypatch: pytest.MonkeyPatch, folder: Path, error: Exception | None) -> RewardScorer:
    """A decoder on a device that packs, where attention over packed rows raises the error."""

    def attention(*parts: Any) -> Any:
        if error is not None:
            raise error
        return row_by_row(*parts)

    row_by_row = packing._row_by_row
    monkeypatch.setattr(packing, "_row_by_row", attention)
    monkeypatch.setattr(reward, "can_pack", lambda _: True)
    return RewardScorer.load(
        str(folder), dtype="float32", max_tokens=128, overlong="truncate_left", token_budget=256, device="cpu"
    )


@pytest.mark.parametrize("error", [RuntimeError("no kernel image"), NotImplementedError(), TypeError("window_size")])
def test_a_kernel_that_fails_leaves_padded_batches_and_is_told(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, decoder_reward_folder: Path
) -> None:
    assert load_packing(monkeypatch, decoder_reward_folder, None).packs
    assert not load_packing(monkeypatch, decoder_reward_folder, error).packs
    (warning,) = (record.getMessage() for record in caplog.records if record.name == reward_canary.__name__)
    assert warning.startswith(f"attention over rows without padding fails on this device ({type(error).__name__}")


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), torch.OutOfMemoryError("full")])
def test_what_is_no_kernel_s_fault_fails_the_load(
    error: Exception, monkeypatch: pytest.MonkeyPatch, decoder_reward_folder: Path
) -> None:
    with pytest.raises(type(error)):
        load_packing(monkeypatch, decoder_reward_folder, error)
