"""What people labelled for nothing is told with the reason."""

from __future__ import annotations

from synpref.flow.unused_answers import unused_told


def test_each_role_comes_with_its_count_and_reason() -> None:
    told = unused_told({"held_out": 2, "wild": 3})
    assert told == (
        "5 comparisons that people labelled are no gold: 2 held_out (their groups are held out), 3 wild (they are not "
        "of the Stage 1 pool, or it ended before an iteration took them)"
    )
