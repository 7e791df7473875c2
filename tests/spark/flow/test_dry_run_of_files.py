"""A dry run on files counts their pairs and tokens, with the backbone's tokenizer or without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synpref.config import load_settings
from synpref.flow.dry_run import dry_run
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.warehouse import Warehouse

MODEL = Path(__file__).resolve().parents[3] / ".cache/models/all-minilm-l6-v2"


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`")
def test_pairs_and_tokens_of_a_file(warehouse: Warehouse, tmp_path: Path) -> None:
    row = {"prompt": "one two", "chosen": "three", "rejected": "four"}  # each word is one token, and three are special
    rows = [row, row, {**row, "chosen": "five"}, {**row, "chosen": "four"}]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    words = [
        f"train.data.pairs=[{{path: {tmp_path}/pairs.jsonl, source: mine}}]", "train.dry_run=true", "train.steps=7"
    ]  # fmt: skip

    def told(backbone: Path | str, *more: str) -> tuple[dict[str, float], str]:
        settings = load_settings(["local"], [*words, f"train.backbone={backbone}", *more])
        done = dry_run(Stage("train", "run", settings, warehouse, Gate()))
        return done.outcome.detail["dry_run"], done.text

    found, text = told(MODEL)
    assert (found["pairs"], found["response_tokens"]) == (2, 6.0)
    assert "2 pairs, 6 tokens a response (counted in 2 pairs)" in text
    assert not warehouse.exists("occurrences")
    # validation is no training: neither a file of it nor a share
    long = {**row, "chosen": "one two three four five six"}
    (tmp_path / "held.jsonl").write_text(json.dumps(long) + "\n")
    found, _ = told(MODEL, f"train.data.validation=[{{path: {tmp_path}/held.jsonl, source: held}}]")
    assert (found["pairs"], found["response_tokens"]) == (2, 6.0)
    found, text = told(MODEL, "train.data.validation_share=0.5")
    assert found["pairs"] == 1
    assert "1 pairs, 6 tokens a response (counted in 2 pairs; 1 more are held out)" in text
    # 7 characters of prompt with 5 of answer (3 tokens of four characters) or, three times, with 4 (2 tokens)
    found, text = told("none", "train.preset=qwen3-0.6b")
    assert (found["pairs"], found["response_tokens"]) == (2, 2.25)
    assert "no tokenizer in none: 4 characters a token assumed" in text
