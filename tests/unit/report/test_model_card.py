"""The card in a model's folder: a stranger who runs its code gets the reward that we get."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from synpref.engines.reward import RewardScorer
from synpref.engines.tokenise import Conversation
from synpref.report.model_card import DataFacts, backbone_licence, model_card
from synpref.reward.model_folder import TrainedModel
from synpref.reward.plan import TrainingPlan
from synpref.reward.training import train_reward_model
from tests.unit.reward.conftest import write_snapshot

ROOT = Path(__file__).resolve().parents[3]
MINILM = ROOT / ".cache/models/all-minilm-l6-v2"
TALK = Conversation([{"role": "user", "content": "Name a prime number."}], "7")
TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<s>system\nBe brief.</s>\n{% endif %}"
    "{% for turn in messages %}<s>{{ turn['role'] }}\n{{ turn['content'] }}</s>\n{% endfor %}"
)
LLAMA: Callable[[LlamaConfig], Any] = LlamaForCausalLM  # transformers leaves these constructors untyped
FAST: Callable[..., Any] = PreTrainedTokenizerFast


@pytest.fixture(scope="session")
def chatty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny decoder that reads bytes, with a chat template that inserts a system prompt of its own."""
    folder = tmp_path_factory.mktemp("chatty")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<s>", "</s>", "<pad>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel()
    fast = FAST(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=256,
    )  # fmt: skip
    LLAMA(config).save_pretrained(folder)
    return folder


def trained(backbone: Path, folder: Path) -> TrainedModel:
    rows = [(f"question {number}", f"good {number}", f"bad {number}") for number in range(6)]
    return train_reward_model(
        write_snapshot(folder / "data", rows),
        backbone=backbone,
        models_dir=folder / "models",
        features_dir=None,
        validation=None,
        settings=TrainingPlan(steps=2, max_tokens=64),
        name="mine | <b>",
    )


def facts(backbone: Path) -> DataFacts:
    return DataFacts({"a|b.parquet": "12ab"}, {"train": 6}, {"train": 3}, {"tie": 2}, 1, [], str(backbone))


def test_what_the_trainer_left_out_is_told(chatty: Path, tmp_path: Path) -> None:
    model = trained(chatty, tmp_path)
    assert "were not trained on" not in card_of(model, chatty)
    model = dataclasses.replace(model, rows={**model.rows, "comparisons_refused": 3})
    assert "Refused: tie 2. Of the comparisons 3 were not trained on: a response is above 64" in card_of(model, chatty)


def card_of(model: TrainedModel, backbone: Path) -> str:
    text = model_card(model, None, facts(backbone), "commit 1")
    (model.path / "README.md").write_text(text, encoding="utf-8")
    return text


def check_stranger(model: TrainedModel, card: str) -> None:
    """Run the card's own Python in a process without this package, in the model's folder."""
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    code += "\nimport sys\nassert not [name for name in sys.modules if name.startswith('synpref')]\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=model.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    scorer = RewardScorer.load(
        str(model.path), dtype="float32", max_tokens=64, overlong="truncate_left", token_budget=256
    )
    assert float(done.stdout) == pytest.approx(scorer.score([TALK])[0].reward, abs=1e-5)


def test_a_stranger_gets_our_reward_from_a_decoder_with_a_template(chatty: Path, tmp_path: Path) -> None:
    model = trained(chatty, tmp_path)
    card = card_of(model, chatty)
    assert "Be brief." in card  # named, so that it is left out
    assert AutoTokenizer.from_pretrained(model.path).chat_template == TEMPLATE
    assert "vllm serve" in card
    assert "sglang" in card
    check_stranger(model, card)


@pytest.mark.skipif(not MINILM.is_dir(), reason="the small model is absent: run `make setup`")
def test_a_stranger_gets_our_reward_from_an_encoder(tmp_path: Path) -> None:
    model = trained(MINILM, tmp_path)
    card = card_of(model, MINILM)
    assert sorted(path.suffix for path in model.path.iterdir() if path.stat().st_size > 1_000_000) == [".safetensors"]
    assert yaml.safe_load(card.split("---")[1])["license"] == "apache-2.0"
    check_stranger(model, card)


def test_the_card_says_what_was_read_measured_and_by_which_code(chatty: Path, tmp_path: Path) -> None:
    model = dataclasses.replace(trained(chatty, tmp_path), rows={
        "responses": 1200, "responses_truncated": 7, "validation_responses": 80, "validation_responses_truncated": 0,
    })  # fmt: skip
    share = {"estimate": 0.75, "low": 0.6, "high": 0.8, "groups": 3, "few_groups": True}
    figures = {
        "rows": 40, "accuracy": share, "length": {**share, "estimate": 0.5}, "unscored": 0,
        "by_source": {"one": {"rows": 40, "accuracy": 0.75}}, "by_category": {"advice": {"rows": 30, "accuracy": 0.8}},
        "calibration": {"error": 0.1, "loss": 0.5, "bins": []},
    }  # fmt: skip
    known = DataFacts({"p": "d"}, {"train": 6}, {"train": 3, "validation": 3}, {}, 0, ["bench.jsonl"], str(chatty))
    card = model_card(model, figures, known, "commit 1")
    assert "| all | 40 | 75.0 % | 60.0 to 80.0 %, few groups (3) |" in card
    assert "| preferring the longer answer | 40 | 50.0 % |" in card
    assert "| source one | 40 | 75.0 % |  |" in card
    assert "| category advice | 30 | 80.0 % |  |" in card
    assert "Of 1,200 responses 7 lost the beginning of their conversation, being above 64 tokens with it." in card
    assert "Of 80 responses 0 lost" in card
    assert "Decontaminated against bench.jsonl." in card
    assert "| code | commit 1 |" in card
    assert "Not measured" in model_card(model, None, known, "commit 1")


def test_a_card_has_the_signs_of_trouble_that_the_training_showed(chatty: Path, tmp_path: Path) -> None:
    model = trained(chatty, tmp_path)
    assert "Signs of trouble" not in card_of(dataclasses.replace(model, warnings=[]), chatty)
    card = card_of(dataclasses.replace(model, warnings=["step 4: margins collapse", "step 6: a | b"]), chatty)
    signs = "* step 4: margins collapse\n* step 6: a \\| b"
    assert f"## Signs of trouble\n\nSeen during the training:\n\n{signs}\n\n## Measured" in card


def test_a_card_says_no_number_of_groups_that_nobody_counted(chatty: Path, tmp_path: Path) -> None:
    model = trained(chatty, tmp_path)
    card = model_card(model, None, dataclasses.replace(facts(chatty), groups={}), "commit 1")
    assert "6 comparisons after 1 duplicates were merged. Refused: tie 2." in card
    assert "6 comparisons of 3 groups after" in card_of(model, chatty)


def test_names_from_files_can_steer_no_page(chatty: Path, tmp_path: Path) -> None:
    card = card_of(trained(chatty, tmp_path), chatty)
    assert "# mine \\| \\<b\\>" in card
    assert "| a\\|b.parquet | 12ab |" in card


def test_a_backbone_without_a_licence_names_none(tmp_path: Path) -> None:
    assert backbone_licence(tmp_path) is None
    (tmp_path / "README.md").write_text("# no head\nlicense: mit\n")
    assert backbone_licence(tmp_path) is None
    (tmp_path / "README.md").write_text("---\nlanguage: en\nlicense: llama3.1\n---\n")
    assert backbone_licence(tmp_path) == "llama3.1"
