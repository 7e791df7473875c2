"""A fill compacts the buckets that its commits touched, every so many commits that inserted something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from synpref.inference import work
from synpref.inference.shards import Shard
from synpref.inference.work import Cost, compute_and_commit


def compactions(monkeypatch: pytest.MonkeyPatch, every: int | None, commits: Sequence[tuple[int, int]]) -> list[Any]:
    """The buckets of each OPTIMIZE. commits: bucket and rows inserted of each shard."""
    inserted: Iterator[int] = iter([rows for _, rows in commits])
    found: list[Any] = []
    for name in ("remove", "_stop_if_too_many"):
        monkeypatch.setattr(work, name, lambda *_: None)
    monkeypatch.setattr(work, "_computed", lambda *_: None)
    monkeypatch.setattr(work, "_counted", lambda _work, shard, _answers: ({}, Cost(shard.rows)))
    monkeypatch.setattr(work, "_commit", lambda *_, **__: next(inserted))
    monkeypatch.setattr(work, "optimize_buckets", lambda _warehouse, _table, buckets: found.append(buckets))
    given: Any = SimpleNamespace(optimize_every=every, table="rewards", warehouse=SimpleNamespace(spark=None))
    meter: Any = SimpleNamespace(tell=lambda *_: None)
    shards = [Shard((bucket,), 1, ()) for bucket, _ in commits]
    compute_and_commit(given, shards, "", meter, {})
    return found


def test_the_buckets_that_commits_touched_are_compacted_every_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    commits = [(0, 1), (0, 1), (1, 1), (1, 1), (2, 1), (2, 1), (3, 1)]
    assert compactions(monkeypatch, 3, commits) == [{0, 1}, {1, 2}]
    assert compactions(monkeypatch, 8, commits) == []


def test_a_commit_that_inserts_nothing_leaves_no_file_and_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compactions(monkeypatch, 2, [(0, 1), (1, 0), (2, 0), (3, 1)]) == [{0, 3}]


def test_without_a_number_nothing_is_compacted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compactions(monkeypatch, None, [(0, 1)] * 9) == []
