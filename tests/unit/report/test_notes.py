"""What a reader of a run's figures must know."""

from __future__ import annotations

from typing import Any

import pytest

from synpref.report.notes import run_notes

JUDGES = {
    "small": {"admitted": False, "reason": "2 of 32 right", "simulated": False},
    "careful": {"admitted": True, "reason": "91 of 100 right", "simulated": True},
}


def _notes(**changes: Any) -> str:
    plain: dict[str, Any] = {
        "provider": "table", "error_rate": 0.05, "share": 0.2, "judges": {}, "simulated_attributes": [],
        "cross_fitted": False,
    }  # fmt: skip
    return "\n".join(run_notes(**plain | changes))


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("simulated", "People are simulated, with a stated error rate of 5%"),
        ("source", "Gold is labels of the input files, for 20% of the comparisons: nobody was asked"),
    ],
)
def test_gold_that_nobody_was_asked_for_is_named(provider: str, told: str) -> None:
    assert told in _notes(provider=provider)


def test_where_people_labelled_there_is_nothing_to_note() -> None:
    assert _notes() == ""


def test_a_judge_s_reason_is_told_and_simulators_are_named() -> None:
    told = _notes(judges=JUDGES)
    assert "Judge small was refused: 2 of 32 right." in told
    assert "Judge careful was admitted: 91 of 100 right." in told
    assert "Simulated judges: careful." in told


def test_simulated_attributes_and_halves_are_named() -> None:
    told = _notes(simulated_attributes=["family"], cross_fitted=True)
    assert "attributes by family are simulated" in told
    assert "cross-fitted" in told
