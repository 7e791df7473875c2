"""Easy comparisons at the load of a scorer: their order is told, and only a head that reads nothing is refused."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from synpref.engines.canaries import CANARIES
from synpref.engines.known_order import TALKS, KnownOrder, checked_order
from synpref.engines.reward import RewardScorer
from synpref.errors import EngineError

ROWS = [[place] for place in range(len(TALKS))]


def load(folder: Path, **changes: Any) -> RewardScorer:
    settings: dict[str, Any] = {"dtype": "float32", "max_tokens": 128, "overlong": "truncate_left", "token_budget": 512}
    return RewardScorer.load(str(folder), device="cpu", **settings | changes)


def test_the_better_answer_of_each_comparison_comes_first() -> None:
    for place, one in enumerate(CANARIES):
        better, worse = TALKS[2 * place : 2 * place + 2]
        assert {better.response, worse.response} == {one.item.response_a, one.item.response_b}
        assert better.response == (one.item.response_a if one.label == "a" else one.item.response_b)
        assert better.messages == worse.messages == one.item.messages


def test_right_comparisons_and_their_mean_margin_are_told() -> None:
    rewards = [2.0, 0.5] * 6 + [0.0, 1.0] * 2
    assert checked_order("m", ROWS, rewards) == KnownOrder(6, 8, (6 * 1.5 - 2) / 8)
    assert not checked_order("m", ROWS, rewards).by_chance


@given(st.lists(st.floats(-50, 50), min_size=len(TALKS), max_size=len(TALKS)))
def test_a_turned_model_is_right_where_the_other_was_wrong(rewards: list[float]) -> None:
    if len(set(rewards)) == 1:
        return
    one, turned = (checked_order("m", ROWS, [sign * reward for reward in rewards]) for sign in (1, -1))
    assert one.right + turned.right <= one.pairs == len(CANARIES)  # an equal pair is right for neither
    assert one.margin == -turned.margin
    assert one.by_chance or turned.by_chance


def test_a_head_that_reads_nothing_off_its_text_is_refused() -> None:
    with pytest.raises(EngineError, match=r"m: 16 answers, good and bad, all have the reward 0\.5: its reward head"):
        checked_order("m", ROWS, [0.5] * len(TALKS))
    cut_to_nothing = [[1]] * len(TALKS)  # by a tiny maximum length: then it is not the head
    assert checked_order("m", cut_to_nothing, [0.5] * len(TALKS)) == KnownOrder(0, 8, 0.0)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_reward_that_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(EngineError, match="use another dtype or model"):
        checked_order("m", ROWS, [wrong, *[0.0] * (len(TALKS) - 1)])


@pytest.mark.parametrize("kind", ["reward_folder", "decoder_reward_folder"])
def test_a_loaded_scorer_tells_the_order_of_its_own_rewards(request: pytest.FixtureRequest, kind: str) -> None:
    scorer = load(request.getfixturevalue(kind))
    rewards = [reward.reward for reward in scorer.score(TALKS)]
    expected = checked_order("m", ROWS, rewards)
    assert scorer.order is not None
    assert scorer.order[:2] == expected[:2]
    assert scorer.order.margin == pytest.approx(expected.margin, abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "heads"), [("reward_folder", ["classifier.weight"]), ("decoder_reward_folder", ["score.weight"])]
)
def test_a_folder_whose_head_is_empty_is_refused(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, heads: Sequence[str]
) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(kind), tmp_path / "model"))
    weights = load_file(folder / "model.safetensors")
    empty = {name: weights[name] * 0 for name in heads}
    save_file(weights | empty, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineError, match="model: 16 answers, good and bad, all have the reward"):
        load(folder)
