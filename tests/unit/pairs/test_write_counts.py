from __future__ import annotations

from synpref.pairs.write import IngestCounts


def test_counts_reconcile_only_where_every_row_is_accounted_for() -> None:
    assert IngestCounts(10, 6, 1, {"empty_response": 2, "unknown_role": 1}).reconcile()
    assert not IngestCounts(10, 6, 1, {"empty_response": 2}).reconcile()
