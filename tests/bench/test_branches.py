"""Training on long prompts with each computed once for its responses, against every response by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from synpref.engines.tokenise import encode_conversations
from synpref.reward.backbones import load_classifier, load_tokenizer
from synpref.reward.features import FeatureStore
from synpref.reward.graph import Batch
from synpref.reward.passes import Stored, load_batch
from synpref.reward.precision import choose_training_dtype
from synpref.reward.upper import PairwiseLoss, Upper, packing
from tests.bench.texts import SMOLLM2, asked, needs_pairs, pairs
from tests.bench.turns import least_seconds, tell_model

PAIRS, TURNS, MAX_TOKENS, ROUNDS = 12, 5, 1024, 2
CPU = torch.device("cpu")


@needs_pairs
@pytest.mark.skipif(not SMOLLM2.is_dir(), reason="the small chat model is absent: run `make setup`")
@pytest.mark.timeout(3600)
def test_a_step_on_long_conversations_is_faster_with_their_prompts_shared(tmp_path: Path) -> None:
    torch.set_num_threads(2)
    tokenizer = load_tokenizer(SMOLLM2)
    torch.manual_seed(0)
    upper = Upper(load_classifier(SMOLLM2, tokenizer), decoder=True, from_states=False)
    compared = [pair for pair in pairs("hh_harmless_base_test") if len(pair[0].messages) >= TURNS][:PAIRS]
    rows = encode_conversations(tokenizer, asked(compared), MAX_TOKENS, "truncate_left")
    store = FeatureStore(tmp_path)
    ids = [str(place) for place in range(len(rows))]
    store.append(ids, [np.array(row.input_ids, np.int32)[:, None] for row in rows], [row.truncated for row in rows])
    stored = Stored.of(store, ids)
    batch = Batch(np.arange(len(rows)), np.arange(0, len(rows), 2), np.arange(1, len(rows), 2))
    dtype = choose_training_dtype("cpu").dtype
    model = PairwiseLoss(upper, bfloat16=dtype == "bfloat16")
    losses: dict[str, float] = {}
    computed: dict[str, int] = {}

    def step(name: str, *, shared: bool) -> Callable[[], None]:
        def run() -> None:
            upper.branches = shared
            given = load_batch(stored, batch, upper, CPU)
            computed[name] = sum(part.shape[0] * part.shape[1] for part in given["rows"])
            loss = model(**given)["loss"]
            loss.backward()
            losses[name] = loss.item()

        return run

    with packing(upper, CPU, bfloat16=dtype == "bfloat16"):
        assert upper.branches
        seconds = least_seconds({"shared": step("shared", shared=True), "plain": step("plain", shared=False)}, ROUNDS)
    ratio = seconds["plain"] / seconds["shared"]
    for name in ("shared", "plain"):
        tell_model(
            f"training step, prompts shared / plain, hh_harmless, {name}", upper.model, dtype=dtype, passes=3,
            seconds=seconds[name], tokens=computed[name], ratio=ratio, pairs=str(PAIRS),
            share_of_tokens=computed["shared"] / computed["plain"],
        )  # fmt: skip
    assert losses["shared"] == pytest.approx(losses["plain"], rel=1e-3 if dtype == "float32" else 0.05)
    assert ratio > 1.2
