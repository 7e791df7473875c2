"""Cutting a backbone and making it whole again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    FalconConfig,
    OPTConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from synpref.engines.first_token import FirstTokenLayer
from synpref.errors import InputError
from synpref.reward.backbones import (
    anatomy,
    drop_nothing,
    drops_attention,
    load_classifier,
    load_frozen,
    load_tokenizer,
)
from synpref.reward.upper import cut_model


def inputs(rows: int = 3, tokens: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    ids = torch.randint(6, 20, (rows, tokens))
    mask = torch.ones(rows, tokens, dtype=torch.long)
    mask[1, 4:] = 0
    mask[2, 2:] = 0
    return ids, mask


def without_dropout(folder: Path) -> PreTrainedModel:
    model = load_classifier(folder, load_tokenizer(folder))
    model.train(mode=False)
    return model


def test_the_first_token_of_a_layer_is_the_same_computed_alone(minilm: Path) -> None:
    layer = anatomy(without_dropout(minilm), minilm).layers[-1]
    torch.manual_seed(0)
    states = torch.randn(4, 11, 384)
    seen = torch.rand(4, 1, 11, 11) > 0.3
    seen[..., 0] = True
    added = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    for mask in (None, seen, added):
        whole = layer(states, mask)[:, :1]
        alone = FirstTokenLayer(layer)(states, mask)
        torch.testing.assert_close(alone, whole, atol=1e-5, rtol=1e-5)


def test_its_gradients_are_those_of_the_layer(tiny_bert: Path) -> None:
    layer = anatomy(without_dropout(tiny_bert), tiny_bert).layers[-1]
    ways: list[torch.nn.Module] = [layer, FirstTokenLayer(layer)]
    states = torch.randn(2, 5, 32)
    gradients = []
    for way in ways:
        layer.zero_grad()
        way(states)[:, 0].square().sum().backward()
        found = {name: weight.grad for name, weight in layer.named_parameters()}
        # the key's bias moves no reward: computed alone, it has no gradient at all
        gradients.append({name: torch.zeros(32) if grad is None else grad.clone() for name, grad in found.items()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama"])
@pytest.mark.parametrize("trained", [1, 2, 3])
def test_frozen_and_trained_parts_together_are_the_model(
    kind: str, trained: int, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind)
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(3)
    model = without_dropout(folder)
    ids, mask = inputs()
    padded = ids.masked_fill(mask == 0, tokenizer.pad_token_id)
    with torch.no_grad():
        expected = model(input_ids=padded, attention_mask=mask).logits[:, 0]
        states = load_frozen(folder, 3 - trained)(input_ids=padded, attention_mask=mask).last_hidden_state
        cut = cut_model(model, trained, folder)
        torch.testing.assert_close(cut.upper(states, mask), expected, atol=1e-5, rtol=1e-5)
        again = cut.join()(input_ids=padded, attention_mask=mask).logits[:, 0]
    torch.testing.assert_close(again, expected, atol=0, rtol=0)


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama"])
def test_an_uncut_model_reads_token_ids(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    tokenizer = load_tokenizer(folder)
    model = without_dropout(folder)
    ids, mask = inputs()
    padded = ids.masked_fill(mask == 0, tokenizer.pad_token_id)
    with torch.no_grad():
        expected = model(input_ids=padded, attention_mask=mask).logits[:, 0]
        upper = cut_model(model, None, folder).upper
        rewards = upper(torch.stack([padded, torch.zeros_like(ids)], dim=-1).int(), mask)
        torch.testing.assert_close(rewards, expected, atol=1e-5, rtol=1e-5)


def test_only_the_top_is_trained(minilm: Path) -> None:
    cut = cut_model(load_classifier(minilm, load_tokenizer(minilm)), 1, minilm)
    names = {name for name, _ in cut.upper.named_parameters()}
    assert all("encoder.layer.0." in name or "pooler" in name or "classifier" in name for name in names)
    assert sum(weight.numel() for weight in cut.upper.parameters()) < 2_000_000


def test_a_decoder_that_pads_with_its_end_gets_another_padding(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(tiny_llama)
    assert tokenizer.pad_token == "[UNK]"
    assert load_classifier(tiny_llama, tokenizer).config.pad_token_id == tokenizer.pad_token_id


def test_without_an_unknown_token_a_new_one_is_added_with_its_embedding(tiny_llama: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = tmp_path / "bare"
    shutil.copytree(tiny_llama, folder)
    bare = AutoTokenizer.from_pretrained(folder)
    bare.unk_token = None
    bare.save_pretrained(folder)
    tokenizer = load_tokenizer(folder)
    assert tokenizer.pad_token == "<|padding|>"
    model = load_classifier(folder, tokenizer)
    assert model.get_input_embeddings().num_embeddings == len(tokenizer)


def test_an_architecture_that_cannot_be_cut_is_named(tiny_bert: Path) -> None:
    config = DistilBertConfig(vocab_size=20, dim=16, n_layers=2, n_heads=2, hidden_dim=16)
    config.num_labels = 1
    with pytest.raises(InputError, match="distilbert models cannot be trained with frozen lower layers"):
        cut_model(DistilBertForSequenceClassification(config), 1, "here")


def test_a_folder_without_a_model_is_named(tmp_path: Path, tiny_bert: Path) -> None:
    with pytest.raises(InputError, match=f"{tmp_path}: no tokenizer"):
        load_tokenizer(tmp_path)
    with pytest.raises(InputError, match=f"{tmp_path}: no backbone"):
        load_classifier(tmp_path, load_tokenizer(tiny_bert))


def test_in_half_precision_it_is_as_near_to_the_truth_as_the_layer(minilm: Path) -> None:
    layer = anatomy(without_dropout(minilm), minilm).layers[-1]
    torch.manual_seed(0)
    states = torch.randn(2, 300, 384)
    exact = layer(states)[:, :1]
    layer.to(torch.bfloat16)
    with torch.no_grad():
        errors = [
            float((way(states.bfloat16())[:, :1].float() - exact).abs().mean())
            for way in (FirstTokenLayer(layer), layer)
        ]
    assert errors[0] < 1.2 * errors[1]


@pytest.mark.parametrize("make", [AlbertConfig, OPTConfig, FalconConfig, BertConfig])
def test_dropout_goes_wherever_a_model_keeps_it(make: Callable[..., PreTrainedConfig]) -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 40, "num_labels": 1}
    more = {"embedding_size": 32, "word_embed_proj_dim": 32, "ffn_dim": 48, "intermediate_size": 48}
    dropped = {"attention_dropout": 0.5, "hidden_dropout": 0.5, "dropout": 0.5, "hidden_dropout_prob": 0.5}
    build: Any = AutoModelForSequenceClassification  # transformers leaves from_config untyped
    model = build.from_config(make(**sizes, **more, **dropped, pad_token_id=1, max_position_embeddings=64)).train()
    ids, mask = inputs()
    ids = ids.clamp(2, 39)
    assert not torch.allclose(*[model(input_ids=ids, attention_mask=mask).logits for _ in range(2)])
    drop_nothing(model)
    torch.testing.assert_close(*[model(input_ids=ids, attention_mask=mask).logits for _ in range(2)])


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama"])
def test_without_dropout_a_model_in_training_computes_what_it_does_afterwards(
    kind: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind)
    torch.manual_seed(3)
    model: Any = load_classifier(folder, load_tokenizer(folder))
    for module in model.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.5
    ids, mask = inputs()

    def logits(*, training: bool) -> torch.Tensor:
        found: torch.Tensor = model.train(mode=training)(input_ids=ids, attention_mask=mask).logits
        return found

    assert drops_attention(model) == (kind == "tiny_llama")
    assert not torch.allclose(logits(training=True), logits(training=False))
    drop_nothing(model)
    torch.testing.assert_close(logits(training=True), logits(training=False))
    assert not drops_attention(model)


def test_all_layers_of_an_encoder_are_trained_with_the_last_ones_first_token_alone(tiny_bert: Path) -> None:
    model: Any = without_dropout(tiny_bert)
    before = list(model.base_model.encoder.layer)
    ids, mask = inputs()
    rows = torch.stack([ids, torch.zeros_like(ids)], dim=-1)
    with torch.no_grad():
        expected = model(input_ids=ids, attention_mask=mask).logits[:, 0]
        cut = cut_model(model, None, tiny_bert)
        assert isinstance(model.base_model.encoder.layer[-1], FirstTokenLayer)
        torch.testing.assert_close(cut.upper(rows, mask), expected, atol=1e-5, rtol=1e-5)
    cut.join()
    assert list(model.base_model.encoder.layer) == before
