from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from synpref.engines import token_budget
from synpref.engines.embedder import Embedder
from synpref.engines.reward import RewardScorer
from synpref.engines.token_budget import measured_token_budget


class Machine:
    """A device on which a batch of so many tokens takes a known time."""

    def __init__(self, cost: Callable[[int], float], memory: int = 10**9) -> None:
        self.cost, self.memory, self.now, self.ran = cost, memory, 0.0, list[int]()

    def run(self, budget: int, tokens: int) -> None:
        self.ran.append(budget)
        if max(budget, tokens) * tokens > self.memory:  # a longer row is a batch of its own
            raise torch.OutOfMemoryError
        self.now += self.cost(budget) + (0 if len(self.ran) > 1 else 0.9)  # cold at first

    def clock(self) -> float:
        return self.now

    def chosen(self, device: str = "cpu") -> int:
        return measured_token_budget(self.run, 1280, device, id(self), self.clock)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_budget, "_known", {})


def test_batches_grow_while_a_token_gets_cheaper() -> None:
    cached = Machine(lambda budget: budget * (1e-5 if budget <= 2048 else 2e-5) + 5e-3)
    assert cached.chosen() == 2048
    overhead = Machine(lambda budget: 0.05 + budget * 1e-6)
    assert overhead.chosen() == 8192
    assert overhead.chosen("cuda") == 65536
    assert Machine(lambda budget: budget * 1e-5).chosen() == 1024
    assert Machine(lambda budget: budget**0.93 * 1e-5).chosen() == 1024  # a twentieth cheaper could be noise


def test_a_slow_model_is_run_once_and_a_full_memory_ends_the_search() -> None:
    slow = Machine(lambda budget: budget * 1e-2)
    assert slow.chosen() == 1024
    assert slow.ran == [1024]
    small = Machine(lambda budget: 0.05 + budget * 1e-6, memory=18_000_000)
    assert small.chosen("cuda") == 8192  # 65,536 tokens fit in rows of 256, but not in rows of 1,280
    tiny = Machine(lambda budget: 0.05 + budget * 1e-6, memory=100_000)
    assert tiny.chosen() == 256


def test_a_row_that_never_fits_does_not_shrink_the_batches_of_all_others() -> None:
    machine = Machine(lambda budget: 0.05 + budget * 1e-6, memory=1_000_000)
    assert machine.chosen("cuda") == 1280  # 2,048 tokens fit in rows of 256; one row of 1,280 does not fit at all
    assert machine.ran[-1] == 2048


def test_equal_models_are_measured_once_a_process() -> None:
    machine = Machine(lambda budget: budget * 1e-5)
    machine.chosen()
    ran = len(machine.ran)
    machine.chosen()
    assert len(machine.ran) == ran


def test_a_loaded_scorer_and_embedder_measure_theirs(decoder_reward_folder: Path, minilm: Path) -> None:
    scorer = RewardScorer.load(
        str(decoder_reward_folder), dtype="float32", max_tokens=64, overlong="refuse", token_budget=None
    )
    embedder = Embedder.load(str(minilm), dtype="float32", max_tokens=16, overlong="refuse", token_budget=None)
    for found in (scorer.token_budget, embedder.token_budget):
        assert found in {1024, 2048, 4096, 8192}
    assert scorer.passed.tokens == embedder.passed.tokens == 0
