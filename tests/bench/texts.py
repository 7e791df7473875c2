"""Real texts for the benchmarks, from preference files that lie beside the checkout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from synpref.engines.quiet import quiet_transformers
from synpref.engines.tokenise import Conversation
from synpref.reward.backbones import load_classifier, load_tokenizer

ROOT = Path(__file__).resolve().parents[2]
PAIRS = ROOT.parent / "shared" / "data" / "pairs"
MINILM = ROOT / ".cache/models/all-minilm-l6-v2"
SMOLLM2 = ROOT / ".cache/models/smollm2-135m-instruct"

needs_model = pytest.mark.skipif(not MINILM.is_dir(), reason="the small model is absent: run `make setup`")
needs_pairs = pytest.mark.skipif(not PAIRS.is_dir(), reason="the real preference files are not on this machine")


def make_reward_model(folder: Path) -> Path:
    """Save MiniLM as a reward model with a random head: what it says does not matter here."""
    torch.manual_seed(0)
    with quiet_transformers():
        AutoModelForSequenceClassification.from_pretrained(MINILM, num_labels=1).save_pretrained(folder)
        AutoTokenizer.from_pretrained(MINILM).save_pretrained(folder)
    return folder


def make_decoder_reward_model(folder: Path) -> Path:
    """Save the small chat model as a reward model with a random head; the test is skipped where it is absent."""
    if not SMOLLM2.is_dir():
        pytest.skip("the small chat model is absent: run `make setup`")
    torch.manual_seed(0)
    with quiet_transformers():
        tokenizer = load_tokenizer(SMOLLM2)
        load_classifier(SMOLLM2, tokenizer).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def pairs(name: str, prompts: int | None = None) -> list[tuple[Conversation, Conversation]]:
    """(chosen, rejected) of the file's pairs, of its first so many prompts; None: of all."""
    rows = pq.read_table(PAIRS / f"{name}.parquet", columns=["prompt", "chosen", "rejected"]).to_pylist()
    kept = set(list(dict.fromkeys(row["prompt"] for row in rows))[:prompts])
    return [_pair(row) for row in rows if row["prompt"] in kept]


def distinct_texts(name: str, count: int) -> list[str]:
    """So many distinct responses of the file, in its order."""
    return list(dict.fromkeys(one.response for pair in pairs(name) for one in pair))[:count]


def asked(compared: Sequence[tuple[Conversation, Conversation]]) -> list[Conversation]:
    """Both conversations of each pair, a response as often as it is compared."""
    return [one for pair in compared for one in pair]


def _pair(row: dict[str, str]) -> tuple[Conversation, Conversation]:
    messages = json.loads(row["prompt"])
    return Conversation(messages, row["chosen"]), Conversation(messages, row["rejected"])
