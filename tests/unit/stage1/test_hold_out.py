from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.errors import InputError
from synpref.stage1.hold_out import HoldOutRule, draw_hold_out

RULE = HoldOutRule(validation_share=0.2, test_share=0.2, min_groups=2, min_comparisons=10)


def _sizes(gold: dict[str, int], sides: dict[str, str], side: str) -> tuple[int, int]:
    groups = [group for group, its in sides.items() if its == side]
    return sum(gold[group] for group in groups), len(groups)


@given(st.dictionaries(st.text(min_size=1, max_size=6), st.integers(1, 30), min_size=40, max_size=60), st.integers())
def test_each_side_has_its_share_its_groups_and_its_comparisons(gold: dict[str, int], seed: int) -> None:
    sides = draw_hold_out(gold, RULE, seed)
    total = sum(gold.values())
    for side in ("validation", "test"):
        comparisons, groups = _sizes(gold, sides, side)
        assert comparisons >= max(10, 0.2 * total)
        assert groups >= 2
    assert len(sides) < len(gold)


def test_the_draw_depends_on_the_seed_and_on_nothing_else() -> None:
    gold = {f"group {number}": 5 for number in range(40)}
    backwards = dict(reversed(gold.items()))
    assert draw_hold_out(gold, RULE, 1) == draw_hold_out(backwards, RULE, 1)
    assert draw_hold_out(gold, RULE, 1) != draw_hold_out(gold, RULE, 2)


def test_too_few_comparisons_is_an_error_that_says_how_many_there_are() -> None:
    with pytest.raises(InputError, match=r"15 gold comparisons in 3 groups.*it needs 10 comparisons in 2 groups"):
        draw_hold_out({"x": 5, "y": 5, "z": 5}, RULE, 1)


def test_too_few_groups_is_an_error() -> None:
    with pytest.raises(InputError, match="too little for gold-test"):
        draw_hold_out({"x": 500, "y": 500, "z": 500}, RULE, 1)


def test_gold_must_leave_something_to_train_on() -> None:
    with pytest.raises(InputError, match="took all 4 groups"):
        draw_hold_out(dict.fromkeys("abcd", 10), RULE, 1)
