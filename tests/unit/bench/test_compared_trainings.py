"""Our side of the comparison and the frozen baseline, on a preference that a small model learns."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from synpref.engines.padding import pad_batch
from synpref.engines.tokenise import Conversation, encode_conversations
from synpref.pairs.identity import prompt_id, response_id
from synpref.reward.backbones import load_tokenizer
from tests.bench.texts import MINILM, needs_model
from tests.bench.trl.frozen import frozen
from tests.bench.trl.pairs import Pair, Parts, write_snapshot, write_tokens
from tests.bench.trl.train_ours import main
from tests.bench.trl.trainings import HERE, VENV

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
    assert held["segments"].keys() == held["tokens"].keys()
    assert all(len(ids) == len(held["segments"][name]) for name, ids in held["tokens"].items())
    assert held["parts"]["held_out"] == [list(one.ids) for one in parts["held_out"]]


@pytest.mark.skipif(not (VENV / "bin" / "python").exists(), reason="TRL's environment is absent: see compare.py")
def test_trl_is_given_the_segments_of_its_tokens(task: dict[str, Any], parts: Parts) -> None:
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import train_trl; held = json.load(open(sys.argv[2])); "
        "collate = train_trl.collator(0, held['tokens'], held['segments']); "
        "sides = [[held['tokens'][name] for name in pair] for pair in held['parts']['held_out']]; "
        "rows = [{'chosen_ids': chosen, 'rejected_ids': rejected} for chosen, rejected in sides]; "
        "print(json.dumps({name: found.tolist() for name, found in collate(rows).items()}))"
    )
    words = [str(VENV / "bin" / "python"), "-c", code, str(HERE), str(Path(task["data"]) / "pairs.json")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    talks = [Conversation(one.messages, one.chosen) for one in parts["held_out"]]
    talks += [Conversation(one.messages, one.rejected) for one in parts["held_out"]]
    ours = pad_batch(encode_conversations(load_tokenizer(MINILM), talks, 32, "truncate_left"), 0)
    assert found == {name: rows.tolist() for name, rows in ours.items()}
    assert {kind for row in found["token_type_ids"] for kind in row} == {0, 1}


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
