"""What Stage 1 leaves must be what hygiene let through."""

from __future__ import annotations

import pytest

from synpref.errors import SynprefError
from synpref.stage1.reconciled import role_totals

FINE = [("gold-train", True, 4), ("held_out", True, 3), ("wild", True, 20)]


def test_comparisons_are_counted_by_role() -> None:
    assert role_totals(FINE) == {"gold-train": 4, "held_out": 3, "wild": 20}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ((None, True, 2), "2 comparisons have no role, 0 have a role but no source label, 0 are left"),
        (("wild", False, 5), "0 comparisons have no role, 5 have a role but no source label, 0 are left"),
        (("stage1_pool", True, 7), "no source label, 7 are left as stage1_pool"),
    ],
)
def test_what_does_not_reconcile_is_told(more: tuple[str | None, bool, int], told: str) -> None:
    with pytest.raises(SynprefError, match=told):
        role_totals([*FINE, more])
