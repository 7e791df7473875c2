"""What the record of a stage keeps of its former runs."""

from __future__ import annotations

from typing import Any

import pytest

from synpref.config import load_settings
from synpref.flow.answers import Calls
from synpref.inference.fill import Filled
from synpref.quality.gate import Gate
from synpref.record import with_former
from synpref.stage import Outcome, Stage

NOW = {"name": "loaded now", "right": 8}
THEN = {"name": "loaded then", "right": 5}


def recorded(former: dict[str, Any], *fills: Filled, canaries: dict[str, Any] | None = None) -> dict[str, Any]:
    warehouse: Any = None  # nothing is read: the stage's former run is known
    left = {("score", "c"): former}
    stage = Stage("score", "run", load_settings(["demo"], []), warehouse, Gate(), left)
    calls = Calls(canaries=canaries or {})
    for fill in fills:
        calls.timed(fill)
    return with_former(stage, calls.outcome("c", 8))


def fill(engine: str, computed: int, cut: int = 0) -> Filled:
    return Filled(8, computed, 8 - computed, 8, {}, 1.0, engine, cut=cut)


def test_a_run_that_computes_nothing_keeps_what_was_cut_and_the_canaries() -> None:
    first = recorded({}, fill("gold", 8, cut=3), fill("best", 8), canaries={"gold": THEN})
    again = recorded(first, fill("gold", 0), fill("best", 0))
    assert (again["cut"], again["cut_by"], again["canaries"]) == (3, {"gold": 3, "best": 0}, {"gold": THEN})
    assert again["engine"] is None


def test_a_run_that_computes_the_rest_adds_to_what_was_cut() -> None:
    former = {"cut": 3, "cut_by": {"gold": 3}, "canaries": {"gold": THEN}}
    found = recorded(former, fill("gold", 2, cut=1), fill("gold", 1, cut=1), canaries={"gold": NOW})
    assert (found["cut"], found["canaries"], found["engine"]["cut"]) == (5, {"gold": NOW}, 2)


@pytest.mark.parametrize(
    "former", [{"cut_by": {"old": 3}, "cut": 3, "canaries": {"old": THEN}}, {"cut": 3, "canaries": {}}, {}]
)
def test_engines_that_are_not_asked_any_more_and_runs_of_earlier_versions_add_nothing(former: dict[str, Any]) -> None:
    found = recorded(former, fill("gold", 0))
    assert (found["cut"], found["cut_by"], found["canaries"]) == (0, {"gold": 0}, {})


def test_a_stage_without_engines_or_campaign_is_left_as_it_is() -> None:
    nothing: Any = None
    stage = Stage("ingest", "run", load_settings(["demo"], []), nothing, Gate())
    assert with_former(stage, Outcome(detail={"files": 1})) == {"files": 1}
    assert with_former(stage, Outcome(detail={"cut": 0, "cut_by": {}}, campaign="c")) == {"cut": 0, "cut_by": {}}
