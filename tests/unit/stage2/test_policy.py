from __future__ import annotations

from typing import Any

import pytest

from synpref.stage2.policy import policy_id

FACTS: dict[str, Any] = {
    "epsilon": 0.0,
    "mix": "filtered",
    "gold_engine": "g",
    "best_engines": {None: "b"},
    "roster": {"x": "weights of x", "y": "weights of y"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"epsilon": 0.1},
        {"mix": "filtered_corrected"},
        {"gold_engine": "other"},
        {"best_engines": {None: "other"}},
        {"best_engines": {0: "b", 1: "c"}},
        {"roster": {"x": "weights of x"}},
        {"roster": {"x": "other weights", "y": "weights of y"}},
    ],
)
def test_whatever_changes_decisions_changes_the_policy(change: dict[str, Any]) -> None:
    assert policy_id(**{**FACTS, **change}) != policy_id(**FACTS)


def test_the_order_of_the_roster_does_not() -> None:
    assert policy_id(**{**FACTS, "roster": {"y": "weights of y", "x": "weights of x"}}) == policy_id(**FACTS)
