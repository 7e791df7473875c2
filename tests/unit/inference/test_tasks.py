"""Into how many tasks a shard is cut."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from synpref.inference.shards import Shard
from synpref.inference.work import tasks_of


def test_executors_that_come_during_a_fill_get_tasks_of_its_next_shard() -> None:
    context = SimpleNamespace(defaultParallelism=2)
    work: Any = SimpleNamespace(
        slots=None, warehouse=SimpleNamespace(spark=SimpleNamespace(sparkContext=context))
    )  # fmt: skip
    shard = Shard((0,), 100, ())
    assert tasks_of(work, shard) == 2
    context.defaultParallelism = 48
    assert tasks_of(work, shard) == 48
    work.slots = 4
    assert tasks_of(work, shard) == 4
    assert tasks_of(work, Shard((0,), 3, ())) == 3
