"""Our side of the comparison and the frozen baseline, on a preference that a small model learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from synpref.pairs.identity import prompt_id, response_id
from tests.bench.texts import MINILM, needs_model
from tests.bench.trl.frozen import frozen
from tests.bench.trl.pairs import Pair, Parts, write_snapshot, write_tokens
from tests.bench.trl.train_ours import main

pytestmark = needs_model

GOOD = ["a kind and helpful answer", "a helpful, friendly reply", "kind words that help"]
BAD = ["an angry insult", "a rude and hostile remark", "hateful shouting"]
RUN = {
    "part": "train", "score": "held_out", "steps": 2, "rate": 1e-4, "dtype": "float32", "seed": 0, "threads": 1,
    "max_tokens": 32, "responses": 6, "pairs": None,
}  # fmt: skip


def pair(prompt: str, chosen: str, rejected: str) -> Pair:
    messages = [{"role": "user", "content": prompt}]
    ids = (response_id(prompt_id(messages), chosen), response_id(prompt_id(messages), rejected))
    return Pair(messages, chosen, rejected, prompt, ids)


@pytest.fixture(scope="module")
def parts() -> Parts:
    """All good against all bad texts under each prompt; the held-out part ends with its first pair contradicted."""
    of = {
        prompt: [pair(prompt, good, bad) for good in GOOD for bad in BAD] for prompt in ("Hello?", "Hi!", "Why?", "So?")
    }
    first = of["So?"][0]
    held_out = [*of["So?"], pair("So?", first.rejected, first.chosen)]
    sweep = of["Hello?"] + of["Hi!"]
    return {"sweep": sweep, "validation": of["Why?"], "train": sweep + of["Why?"], "held_out": held_out}


@pytest.fixture(scope="module")
def task(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("compared")
    for part, pairs in parts.items():
        write_snapshot(folder / part, pairs)
    write_tokens(folder / "pairs.json", parts, str(MINILM), 32)
    return {"run": RUN, "model": str(MINILM), "data": str(folder)}


def test_both_trainers_read_the_same_responses_by_id(task: dict[str, Any], parts: Parts) -> None:
    held = json.loads((Path(task["data"]) / "pairs.json").read_text())
    assert len(held["tokens"]) == 4 * (len(GOOD) + len(BAD))
    assert held["parts"]["held_out"] == [list(one.ids) for one in parts["held_out"]]


def test_ours_scores_each_pair_in_its_order_and_encodes_a_response_once_a_step(
    task: dict[str, Any], parts: Parts
) -> None:
    threads = torch.get_num_threads()
    found = main(task)
    torch.set_num_threads(threads)
    assert len(found["right"]) == len(parts["held_out"])
    assert found["right"][0] + found["right"][-1] == 1  # the last is the first with the other label
    assert found["encoded"] <= 2 * 6
    assert found["pairs"] > found["encoded"] / 2
    assert found["seconds"] > 0 < found["processor_seconds"]


def test_the_frozen_baseline_learns_from_other_groups_and_names_its_view(parts: Parts) -> None:
    found = frozen(str(MINILM), parts, 32)
    assert found["right"] == [1.0] * 9 + [0.0]
    assert found["accuracy"] == pytest.approx(0.9)
    assert set(found["validation"]) == {"response", "conversation"}
    assert found["view"] in found["validation"]
