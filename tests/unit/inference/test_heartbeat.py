"""The folder of a fill keeps its heartbeat while a shard takes its time."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from py4j.protocol import Py4JError

from synpref.inference import staging


def test_a_heart_beats_by_itself_until_the_job_ends_also_where_a_beat_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[str] = []
    removed: list[str] = []
    thrice = Event()

    def beat(_spark: object, folder: str) -> None:
        beats.append(folder)
        if len(beats) == 2:
            raise Py4JError("the store is away")
        if len(beats) == 3:
            thrice.set()

    monkeypatch.setattr(staging, "SECONDS_BETWEEN_BEATS", 0.001)
    monkeypatch.setattr(staging, "beat", beat)
    monkeypatch.setattr(staging, "remove", lambda _, folder: removed.append(folder))
    monkeypatch.setattr(staging, "remove_leftovers", lambda *_: removed.append(f"{len(beats)} beats"))
    spark: Any = None
    with staging.staged(spark, "root", "rewards") as folder:
        assert thrice.wait(10)
    assert set(beats) == {folder}
    assert removed == [folder, f"{len(beats)} beats"]  # none came behind the end
