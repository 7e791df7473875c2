"""Drawing the hold-out: which groups of gold are validation and test, once, at iteration 0 (paper.md §10.7)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from synpref.errors import InputError


@dataclass(frozen=True)
class HoldOutRule:
    """Shares are of gold comparisons; each side also needs min_groups groups and min_comparisons comparisons."""

    validation_share: float
    test_share: float
    min_groups: int
    min_comparisons: int


def draw_hold_out(gold: Mapping[str, int], rule: HoldOutRule, seed: int) -> dict[str, str]:
    """Group to side ("validation" or "test"); other groups of gold are for training.

    gold: group to its number of gold comparisons. Groups are taken in the order of a seeded hash until a side has its
    share, enough groups and enough comparisons. Raises InputError where gold runs out, or nothing is left to train on.
    """
    order = sorted(gold, key=lambda group: hashlib.sha256(f"{seed}:hold-out:{group}".encode()).hexdigest())
    total = sum(gold.values())
    sides: dict[str, str] = {}
    position = 0
    for side, share in (("validation", rule.validation_share), ("test", rule.test_share)):
        need, have, groups = max(share * total, rule.min_comparisons), 0, 0
        while have < need or groups < rule.min_groups:
            if position == len(order):
                raise InputError(_too_little(side, have, groups, total, len(order), rule))
            sides[order[position]] = side
            have, groups, position = have + gold[order[position]], groups + 1, position + 1
    if position == len(order):
        raise InputError(f"gold: validation and test took all {len(order)} groups ({total} comparisons); label more")
    return sides


def _too_little(side: str, have: int, groups: int, total: int, all_groups: int, rule: HoldOutRule) -> str:
    return (
        f"gold: too little for gold-{side}: {total} gold comparisons in {all_groups} groups leave it "
        f"{have} comparisons in {groups} groups; it needs {rule.min_comparisons} comparisons in "
        f"{rule.min_groups} groups. Label more, or lower stage1.hold_out"
    )
