"""The summary has exactly the shape that is promised."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from synpref.errors import SynprefError
from synpref.report.summary import build_summary, check_summary

Make = Callable[..., dict[str, Any]]


def test_the_whole_shape(summary: Make) -> None:
    made = summary()
    assert list(made) == [
        "campaign", "settings_hash", "git", "versions", "device", "seconds", "peak_memory_gb", "stages",
        "decisions", "labels", "judges", "reward_models", "intervals", "gate",
    ]  # fmt: skip
    assert set(made["device"]) == {"name", "features", "dtype"}
    assert set(made["peak_memory_gb"]) == {"driver", "worker"}
    assert set(made["stages"]["hygiene"]) == {
        "rows_in", "rows_out", "duplicates", "quarantined", "refused", "cut", "answers", "seconds", "engine_calls",
        "engine_calls_saved",
    }  # fmt: skip
    assert set(made["labels"]) == {"pool", "kept", "flipped", "dropped", "by_length_equal_counts"}
    assert set(made["labels"]["by_length_equal_counts"]) == {"kept", "flipped"}
    assert set(made["labels"]["flipped"]) == {"rows", "accuracy", "recall"}
    assert set(made["judges"]["careful"]) == {
        "simulated", "admitted", "gold_agreement", "position_flip_rate", "verdicts", "repairs",
    }  # fmt: skip
    assert set(made["reward_models"]) == {"original", "filtered", "filtered_corrected"}
    assert set(made["gate"]) == {"suites", "expectations", "failed"}


def test_it_is_json_and_reads_back_as_itself(summary: Make) -> None:
    made = summary()
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert check_summary(made) == made


def test_stages_stand_in_the_order_they_ran(summary: Make) -> None:
    assert list(summary()["stages"]) == ["ingest", "hygiene", "attributes", "embed", "stage1", "stage2"]


def test_decisions_are_counted_by_reason_and_none_are_none(arguments: Make) -> None:
    made = build_summary(**arguments(decisions=[{"decision": "drop", "reason": "split", "rows": 5}]))
    assert made["decisions"] == {"keep": {}, "flip": {}, "drop": {"split": 5}}


def test_unknown_truth_and_untrained_models_are_null(arguments: Make) -> None:
    made = build_summary(**arguments(labels=None, reward_models={"filtered": 0.7}))
    assert made["labels"] is None
    assert made["reward_models"] == {"original": None, "filtered": 0.7, "filtered_corrected": None}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"campaign": None}, "campaign"),
        ({"seconds": math.nan}, "seconds"),
        ({"device": {"name": "x", "features": []}}, r"device\.dtype"),
        ({"reward_models": {"original": 1.2}}, r"reward_models\.original"),
        ({"reward_models": {"base": 0.5}}, r"reward_models\.base"),
        ({"gate": {"suites": 1, "expectations": True, "failed": 0}}, r"gate\.expectations"),
        ({"labels": {"pool": {"rows": 3, "accuracy": None}}}, r"labels\.kept.*labels\.by_length_equal_counts"),
        ({"judges": {"j": {"simulated": True}}}, r"judges\.j\.admitted"),
    ],
)
def test_a_fault_is_named_by_its_place(arguments: Make, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(SynprefError, match=f"summary has not its shape.*{place}"):
        build_summary(**arguments(**changes))


def test_an_unknown_key_is_a_fault(summary: Make) -> None:
    with pytest.raises(SynprefError, match="surplus"):
        check_summary({**summary(), "surplus": 1})
