"""What an engine_id stands for, written down before its first answer."""

from __future__ import annotations

from pyspark.sql import Row

from synpref.engines.identity import EngineCard
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

_ROW = Row(*[column.name for column in TABLES["engines"].columns])


def record_engines(warehouse: Warehouse, *cards: EngineCard) -> None:
    """Put the cards that do not stand in `engines` there, in one commit."""
    known = known_engines(warehouse)
    new = {
        card.engine_id: _ROW(card.engine_id, card.kind, card.name, card.simulated, card.dtype, card.record)
        for card in cards
        if card.engine_id not in known
    }
    if new:
        rows = warehouse.spark.createDataFrame(list(new.values()), TABLES["engines"].ddl())
        warehouse.insert("engines", rows, unique=True)
        known.update(new)


def known_engines(warehouse: Warehouse) -> dict[str, Row]:
    """Rows of `engines` by engine_id, read once: no row ever changes, and what others add is inserted at most once."""
    if "engines" not in warehouse.memory:
        rows = warehouse.read("engines").collect() if warehouse.exists("engines") else []  # one short row an engine
        warehouse.memory["engines"] = {row["engine_id"]: row for row in rows}
    return warehouse.memory["engines"]
