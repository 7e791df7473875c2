"""Accuracies of reward models from sums over groups."""

from __future__ import annotations

from typing import Any

import pytest

from synpref.analysis.reward_models import model_accuracies
from synpref.errors import InputError


def _row(engine: str, block: str, right: float, rows: int = 10, unscored: int = 0) -> dict[str, Any]:
    return {"engine_id": engine, "block": block, "right": right, "rows": rows, "unscored": unscored}


SUMS = [
    _row(engine, f"g{block}", 5.0 + bonus + block % 3)
    for engine, bonus in (("o1", 0), ("o2", 1), ("f1", 2), ("f2", 2))
    for block in range(24)
]
MODELS = {"original": ["o1", "o2"], "filtered": ["f1", "f2"]}


def test_the_mean_of_seeds_with_intervals_of_means_and_differences() -> None:
    found = model_accuracies(SUMS, MODELS, baseline="original", seed=1)
    assert found.per_seed["original"] == pytest.approx([0.6, 0.7])
    assert found.per_seed["filtered"] == pytest.approx([0.8, 0.8])
    assert found.accuracy == {"original": pytest.approx(0.65), "filtered": pytest.approx(0.8)}
    assert set(found.intervals) == {
        "reward_models.original", "reward_models.filtered", "reward_models.filtered_minus_original",
    }  # fmt: skip
    difference = found.intervals["reward_models.filtered_minus_original"]
    assert difference.estimate == pytest.approx(0.15)
    assert difference.low == pytest.approx(difference.high)  # every group differs alike, so pairing leaves no doubt
    assert not difference.few_groups


def test_the_order_of_rows_does_not_matter() -> None:
    assert model_accuracies(SUMS[::-1], MODELS, baseline="original", seed=1) == model_accuracies(
        SUMS, MODELS, baseline="original", seed=1
    )


def test_a_model_that_scored_only_a_part_is_refused() -> None:
    with pytest.raises(InputError, match=r"filtered \(f2\): 3 test comparisons lack a reward"):
        model_accuracies([*SUMS, _row("f2", "g99", 1.0, unscored=3)], MODELS, baseline="original", seed=1)


def test_a_model_that_scored_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"new.*0 have one"):
        model_accuracies(SUMS, {**MODELS, "new": ["n1"]}, baseline="original", seed=1)
