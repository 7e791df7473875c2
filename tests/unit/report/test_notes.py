"""What a reader of a run's figures must know."""

from __future__ import annotations

from typing import Any

import pytest

from synpref.report.notes import models_caption, run_notes

JUDGES = {
    "small": {"admitted": False, "reason": "2 of 32 right", "simulated": False},
    "careful": {"admitted": True, "reason": "91 of 100 right", "simulated": True},
}


def _notes(**changes: Any) -> str:
    plain: dict[str, Any] = {
        "provider": "table", "error_rate": 0.05, "share": 0.2, "judges": {}, "simulated_attributes": [],
        "cross_fitted": False, "policy": "now", "of_other_policies": {}, "epochs": None,
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


def test_what_another_policy_left_and_unequal_steps_are_told() -> None:
    told = _notes(of_other_policies={"train": "before", "evaluate": "before"}, epochs=2.0)
    assert "Stage 2 decided under policy now, train last ran under before, evaluate last ran under before" in told
    assert "run `synpref train` and `synpref evaluate`" in told
    assert "unequal steps: 2 passes over each one's own set" in told


def test_the_caption_says_whose_winners_how_many_seeds_and_whether_steps_were_equal() -> None:
    assert models_caption("generated", 3, None).endswith("with known truth; mean of 3 seeds, equal steps")
    assert models_caption("none", 1, 1.0).endswith(
        "whose winners are labels, since no truth is known; one seed, unequal steps"
    )
