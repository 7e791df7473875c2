"""The head of a model in training: not rounded, under the names that it has in the model."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedConfig, Qwen2MoeConfig, RobertaConfig

from synpref.engines.reward import BATCH_TOLERANCE
from synpref.reward.backbones import load_classifier, load_tokenizer
from synpref.reward.head import ExactHead, head_of
from synpref.reward.passes import load_batch
from synpref.reward.upper import PairwiseLoss, cut_model, packing
from tests.unit.reward.test_packing import CPU, made

WriteFolder = Callable[[str, list[tuple[str, str, str]]], Path]
MakeRows = Callable[[int, int], list[tuple[str, str, str]]]


@pytest.mark.parametrize("trained", [None, 1])
@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama", "packed"])
def test_margins_in_bfloat16_are_not_rounded_to_it_and_near_those_in_float32(
    kind: str,
    trained: int | None,
    write_folder: WriteFolder,
    learnable: MakeRows,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backbone = request.getfixturevalue("tiny_llama" if kind == "packed" else kind)
    folder = write_folder("train", learnable(4, 0))
    upper, stored, batch = made(folder, backbone, tmp_path / "features", trained)
    upper.eval()
    monkeypatch.setattr("synpref.reward.upper.can_pack", lambda *_: True)
    with packing(upper, CPU, bfloat16=True) if kind == "packed" else contextlib.nullcontext(), torch.no_grad():
        rows = load_batch(stored, batch, upper, CPU)
        rough, exact = (PairwiseLoss(upper, bfloat16=half)(**rows)["rewards"] for half in (True, False))
    margins = rough[rows["chosen"]] - rough[rows["rejected"]]
    assert rough.dtype == torch.float32
    assert (rough != rough.bfloat16()).float().mean() > 0.9
    assert (margins != margins.bfloat16()).float().mean() > 0.9
    assert not torch.equal(rough, exact)  # the layers below are rounded
    assert torch.allclose(rough, exact, rtol=BATCH_TOLERANCE["bfloat16"], atol=BATCH_TOLERANCE["bfloat16"])


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_llama"])
def test_a_model_that_is_whole_again_has_its_own_head_with_what_was_trained(
    kind: str, request: pytest.FixtureRequest
) -> None:
    backbone = request.getfixturevalue(kind)
    model: Any = load_classifier(backbone, load_tokenizer(backbone))
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    cut = cut_model(model, None, backbone)
    head = model.score if kind == "tiny_llama" else model.classifier
    assert isinstance(head, ExactHead)
    assert set(cut.upper.state_dict()) == {f"model.{name}" for name in before}
    with torch.no_grad():
        head.weight.add_(1.0)
    after: Any = cut.join()
    linear = after.score if kind == "tiny_llama" else after.classifier
    assert type(linear) is nn.Linear
    name = "score.weight" if kind == "tiny_llama" else "classifier.weight"
    assert list(after.state_dict()) == list(before)
    assert torch.equal(after.state_dict()[name], before[name] + 1.0)


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (RobertaConfig(num_hidden_layers=1), "classifier.out_proj"),  # behind a layer of its own
        (
            Qwen2MoeConfig(
                hidden_size=32, intermediate_size=32, moe_intermediate_size=32, shared_expert_intermediate_size=32,
                num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=4, num_experts=2,
                num_experts_per_tok=1, vocab_size=64, pad_token_id=0,
            ),
            "score",
        ),  # its layers have gates of one output
    ],
    ids=["roberta", "qwen2-moe"],
)  # fmt: skip
def test_the_head_is_the_last_layer_outside_of_the_backbone(config: PreTrainedConfig, name: str) -> None:
    config.num_labels = 1
    build: Any = AutoModelForSequenceClassification  # transformers leaves from_config untyped
    with torch.device("meta"):
        model = build.from_config(config)
    found = head_of(model)
    assert found is not None
    assert found.name == name


def test_a_classifier_of_two_labels_has_no_reward_head(tiny_bert: Path) -> None:
    build: Any = AutoModelForSequenceClassification
    assert head_of(build.from_pretrained(tiny_bert, num_labels=2)) is None
