"""A trained reward model of a few thousand weights, and the stage that measures it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pyspark.sql import SparkSession
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from synpref.config import load_settings
from synpref.quality.gate import Gate
from synpref.reward.plan import TrainingPlan
from synpref.reward.training import train_reward_model
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse
from tests.unit.reward.conftest import write_snapshot

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "answer", "is", "the", "what", "one", "two"]
# transformers leaves these constructors untyped
FAST_TOKENIZER: Callable[..., PreTrainedTokenizerBase] = PreTrainedTokenizerFast
BERT: Callable[[BertConfig], PreTrainedModel] = BertModel
Measuring = Callable[..., Stage]


def _backbone(folder: Path) -> Path:
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = FAST_TOKENIZER(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    fast.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS), max_position_embeddings=128, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    BERT(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def reward_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two reward models that were trained on good answers against bad ones, from two seeds."""
    folder = tmp_path_factory.mktemp("reward models")
    rows = [(f"what is {word}", f"the answer is good {word}", f"the answer is bad {word}") for word in WORDS[4:]]
    data = write_snapshot(folder / "snapshot", rows)
    first, second = (
        train_reward_model(
            data, backbone=_backbone(folder / "backbone"), models_dir=folder / "models", features_dir=None,
            validation=None, settings=TrainingPlan(steps=30, learning_rate=5e-3, max_tokens=64, seed=seed), name="tiny",
        ).path
        for seed in (1, 2)
    )  # fmt: skip
    return first, second


@pytest.fixture(scope="module")
def measuring(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Measuring:
    """The stage evaluate with settings of words, over one folder for a file of tests that is empty at first."""
    folder = tmp_path_factory.mktemp("evaluate")
    warehouse = Warehouse(spark, Location(path=str(folder / "ware house")))

    def make(*words: str) -> Stage:
        plain = [f"run.dir={folder / 'run'}", "scorer.dtype=float32", "evaluate.robustness=0", *words]
        return Stage("evaluate", uuid.uuid4().hex, load_settings(["local"], plain), warehouse, Gate())

    return make
