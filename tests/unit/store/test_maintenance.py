"""Compacting a table that another job writes to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synpref.store import conflicts, maintenance

CONFLICT = "[DELTA_CONCURRENT_DELETE_READ] Transaction conflict detected"


def test_a_compaction_that_another_commit_crossed_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "_LONGEST_PAUSE", 0.0)
    errors = [CONFLICT, CONFLICT]
    done: list[str] = []

    def commit(*columns: str) -> None:
        if errors:
            raise RuntimeError(errors.pop())
        done.append("compacted")

    builder = SimpleNamespace(executeZOrderBy=commit, executeCompaction=commit)
    warehouse: Any = SimpleNamespace(
        spark=None, stamp={}, delta=lambda table: SimpleNamespace(optimize=lambda: builder)
    )  # fmt: skip
    maintenance.optimize(warehouse, "rewards")
    assert done == ["compacted"]


@pytest.mark.parametrize(("conflicts_left", "done"), [(1, True), (conflicts.ATTEMPTS, False)])
def test_of_a_fill_s_buckets_only_those_named_are_compacted_and_a_conflict_that_lasts_stops_no_fill(
    conflicts_left: int, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conflicts, "_LONGEST_PAUSE", 0.0)
    errors, conditions = [CONFLICT] * conflicts_left, list[str]()

    def commit() -> None:
        if errors:
            raise RuntimeError(errors.pop())

    def where(condition: str) -> Any:
        conditions.append(condition)
        return SimpleNamespace(executeCompaction=commit)

    warehouse: Any = SimpleNamespace(
        spark=None, stamp={}, delta=lambda table: SimpleNamespace(optimize=lambda: SimpleNamespace(where=where))
    )
    assert maintenance.optimize_buckets(warehouse, "rewards", {7, 3}) is done
    assert set(conditions) == {"bucket IN (3, 7)"}


def crossing(error: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    def due(warehouse: object, table: str, every: int) -> bool:
        if table == "verdicts":
            raise RuntimeError(error)
        return table == "rewards"

    monkeypatch.setattr(maintenance, "optimize_when_due", due)
    return SimpleNamespace(exists=lambda table: True)


def test_a_conflict_that_lasts_leaves_a_table_as_it_is_and_the_others_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    found = maintenance.optimize_inference_tables(crossing(CONFLICT, monkeypatch), every=4)
    assert found == {"rewards": True, "verdicts": False}


def test_any_other_error_of_a_compaction_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="disk"):
        maintenance.optimize_inference_tables(crossing("the disk is gone", monkeypatch), every=4)
