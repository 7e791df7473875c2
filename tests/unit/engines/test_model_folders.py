"""Model folders that are refused before they score anything."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, LlamaForCausalLM, LlamaForSequenceClassification

from synpref.engines.chat import ChatModel
from synpref.engines.embedder import Embedder
from synpref.engines.load_checks import check_told_vocabulary
from synpref.engines.reward import RewardScorer
from synpref.engines.tokenise import Conversation
from synpref.errors import EngineError, InputError


def load(folder: Path) -> RewardScorer:
    return RewardScorer.load(str(folder), dtype="float32", max_tokens=64, overlong="truncate_left", token_budget=64)


@pytest.fixture
def damaged(decoder_reward_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(decoder_reward_folder, tmp_path / "model"))


def configure(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_the_undamaged_folder_loads(damaged: Path) -> None:
    assert load(damaged).tokenizer.chat_template


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such model folder"):
        load(tmp_path / "nowhere")


def test_a_folder_without_configuration(damaged: Path) -> None:
    (damaged / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        load(damaged)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_broken_configuration(damaged: Path, text: str) -> None:
    (damaged / "config.json").write_text(text)
    with pytest.raises(InputError, match="the model folder is damaged"):
        load(damaged)


def test_weights_that_are_none(damaged: Path) -> None:
    (damaged / "model.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(InputError, match=f"{damaged}: the model cannot be loaded"):
        load(damaged)


def test_weights_as_pickle_only(damaged: Path) -> None:
    torch.save(load_file(damaged / "model.safetensors"), damaged / "pytorch_model.bin")
    (damaged / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"only pytorch_model\.bin, which could run code"):
        load(damaged)


def test_code_in_the_folder(damaged: Path) -> None:
    configure(damaged, auto_map={"AutoModelForSequenceClassification": "modeling_mine.Mine"})
    with pytest.raises(InputError, match="brings code of its own"):
        load(damaged)


def test_a_backbone_without_a_reward_head(minilm: Path) -> None:
    with pytest.raises(InputError, match=r"no reward head \(BertModel\)"):
        load(minilm)


def test_a_head_that_was_never_saved(damaged: Path) -> None:
    weights = load_file(damaged / "model.safetensors")
    save_file({name: value for name, value in weights.items() if "score" not in name}, damaged / "model.safetensors")
    with pytest.raises(InputError, match=r"lack score\.weight: the reward head was never trained"):
        load(damaged)


def test_a_classifier_of_several_labels(damaged: Path) -> None:
    configure(damaged, id2label={"0": "bad", "1": "good"}, label2id={"bad": 0, "good": 1})
    with pytest.raises(InputError, match="a classifier of 2 labels is no reward model"):
        load(damaged)


def test_no_pad_token(damaged: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(damaged)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(damaged)
    with pytest.raises(InputError, match="the tokenizer names no pad token"):
        load(damaged)


def test_a_configuration_without_a_pad_token_pads_with_the_tokenizers(
    decoder_reward_folder: Path, damaged: Path
) -> None:
    configure(damaged, pad_token_id=None)
    asked = [Conversation(({"role": "user", "content": "Go on."},), text) for text in ("Yes.", "Yes, and so on." * 5)]
    found, whole = (load(folder).score(asked) for folder in (damaged, decoder_reward_folder))
    assert [one.reward for one in found] == pytest.approx([one.reward for one in whole], abs=1e-5)


def test_two_pad_tokens(damaged: Path) -> None:
    configure(damaged, pad_token_id=3)
    with pytest.raises(InputError, match=r"3 in config\.json"):
        load(damaged)


def test_a_pad_token_that_ends_every_conversation(
    tmp_path: Path, damaged: Path, tiny_llama: Callable[..., Any]
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(damaged)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] + m['content'] + eos_token }}{% endfor %}"
    tokenizer.save_pretrained(tmp_path / "eos")
    model = tiny_llama(LlamaForSequenceClassification, num_labels=1, pad_token_id=tokenizer.eos_token_id)
    model.save_pretrained(tmp_path / "eos")
    with pytest.raises(InputError, match="conversations end in the pad token '<|im_end|>'".replace("|", r"\|")):
        load(tmp_path / "eos")


def test_a_tokenizer_with_more_ids_than_the_model_embeds(damaged: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(damaged)
    known = len(tokenizer)
    tokenizer.add_tokens(["<new>", "<newer>"])
    tokenizer.save_pretrained(damaged)
    with pytest.raises(InputError, match=f"ids for {known + 2} tokens, the embedding has {known} rows"):
        load(damaged)


def test_weights_that_give_no_numbers(damaged: Path) -> None:
    weights = load_file(damaged / "model.safetensors")
    save_file(weights | {"score.weight": weights["score.weight"] * float("inf")}, damaged / "model.safetensors")
    with pytest.raises(EngineError, match="the reward of a short conversation is"):
        load(damaged)


def test_rewards_that_depend_on_their_batch(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = LlamaForSequenceClassification.forward

    def counting(self: Any, input_ids: Any, **inputs: Any) -> Any:
        out = forward(self, input_ids, **inputs)
        out.logits = out.logits + len(input_ids)
        return out

    monkeypatch.setattr(LlamaForSequenceClassification, "forward", counting)
    with pytest.raises(EngineError, match="they depend on their batch"):
        load(damaged)


def test_more_tokens_than_positions(damaged: Path) -> None:
    with pytest.raises(InputError, match="max_tokens 9999 exceeds the model's 512 positions"):
        RewardScorer.load(str(damaged), dtype="float32", max_tokens=9999, overlong="refuse", token_budget=64)


def test_a_base_model_as_judge(chat_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(chat_folder, tmp_path / "base"))
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match="no chat template"):
        ChatModel.load(str(folder), dtype="float32", max_tokens=64, token_budget=64)


def test_an_embedder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model folder"):
        Embedder.load(str(tmp_path / "none"), dtype="float32", max_tokens=64, token_budget=64)


def without(folder: Path, *words: str) -> None:
    """Take the weights whose names hold one of the words out of the folder."""
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not any(word in name for word in words)}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def more_ids(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"<new{number}>" for number in range(9)])
    tokenizer.save_pretrained(folder)


def judge(folder: Path) -> ChatModel:
    return ChatModel.load(str(folder), dtype="float32", max_tokens=64, token_budget=64, device="cpu")


def embedder(folder: Path) -> Embedder:
    return Embedder.load(str(folder), dtype="float32", max_tokens=64, token_budget=64, device="cpu")


def test_a_judge_without_the_head_that_writes(chat_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(chat_folder, tmp_path / "judge"))
    without(folder, "lm_head")
    with pytest.raises(InputError, match=r"lack lm_head\.weight: it would answer by chance"):
        judge(folder)


def test_a_judge_whose_head_is_its_embedding_misses_nothing(
    chat_tokenizer: Callable[[str], Any], tiny_llama: Callable[..., Any], tmp_path: Path
) -> None:
    chat_tokenizer("default_system").save_pretrained(tmp_path)
    tiny_llama(LlamaForCausalLM, tie_word_embeddings=True).save_pretrained(tmp_path)
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")
    assert judge(tmp_path).template


def test_a_judge_with_the_tokenizer_of_another_model(chat_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(chat_folder, tmp_path / "judge"))
    more_ids(folder)
    with pytest.raises(InputError, match="the tokenizer has ids for"):
        judge(folder)


def test_an_embedder_that_lacks_a_layer_but_not_one_that_lacks_an_unused_pooler(minilm: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(minilm, tmp_path / "embedder"))
    without(folder, "pooler")
    assert embedder(folder).dimensions == 384
    without(folder, "layer.3.attention.self.query.weight")
    with pytest.raises(InputError, match=r"lack encoder\.layer\.3\.attention\.self\.query\.weight: its vectors"):
        embedder(folder)


def test_an_embedder_with_the_tokenizer_of_another_model(minilm: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(minilm, tmp_path / "embedder"))
    more_ids(folder)
    with pytest.raises(InputError, match="the tokenizer has ids for"):
        embedder(folder)


@pytest.mark.parametrize("told", [{"vocab_size": 7}, {"vocab_size": None, "text_config": {"vocab_size": 7}}])
def test_what_another_library_loads_is_checked_by_its_configuration(damaged: Path, told: dict[str, Any]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(damaged)
    check_told_vocabulary(damaged, tokenizer)
    configure(damaged, **told)
    with pytest.raises(InputError, match="the embedding has 7 rows"):
        check_told_vocabulary(damaged, tokenizer)
