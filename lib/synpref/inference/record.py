"""What an engine_id stands for, written down before its first answer."""

from __future__ import annotations

from pyspark.sql import functions as F

from synpref.engines.identity import EngineCard
from synpref.store.warehouse import Warehouse

SCHEMA = "engine_id string, kind string, name string, simulated boolean, dtype string, details string"


def record_engines(warehouse: Warehouse, *cards: EngineCard) -> None:
    """Put the cards that do not stand in `engines` there, in one commit; one small read where all do."""
    warehouse.create("engines")
    wanted = {card.engine_id: card for card in cards}
    if not wanted:
        return
    standing = warehouse.read("engines").where(F.col("engine_id").isin(list(wanted))).select("engine_id")
    known = {row["engine_id"] for row in standing.collect()}  # at most the engines that are asked for
    rows = [
        (card.engine_id, card.kind, card.name, card.simulated, card.dtype, card.canonical_json)
        for card in wanted.values()
        if card.engine_id not in known
    ]
    if rows:
        warehouse.insert("engines", warehouse.spark.createDataFrame(rows, SCHEMA), unique=True)
