"""engines: each card once, read once a job, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyspark.sql import DataFrame

from synpref.engines.identity import EngineCard
from synpref.inference.record import known_engines, record_engines
from synpref.store.warehouse import Warehouse

CARD = EngineCard("judge", "careful", True, None, {"seed": 1})
OTHER = EngineCard("judge", "quick", True, None, {"seed": 2})


def test_a_card_is_recorded_once_and_read_no_more(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    record_engines(warehouse, CARD, OTHER, CARD)
    assert warehouse.read("engines").count() == 2
    version = warehouse.version("engines")

    def unread(_: Warehouse, table: str) -> DataFrame:
        raise AssertionError(f"{table} was read again")

    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "read", unread)
        record_engines(warehouse, OTHER)
    assert warehouse.version("engines") == version


def test_another_job_sees_what_stands_and_adds_nothing_twice(warehouse: Warehouse) -> None:
    early = replace(warehouse, memory={})
    assert known_engines(early) == {}
    record_engines(warehouse, CARD)
    record_engines(early, CARD)  # it looked before the other job wrote
    assert warehouse.read("engines").count() == 1
    late = replace(warehouse, memory={})
    assert known_engines(late)[CARD.engine_id]["name"] == "careful"
