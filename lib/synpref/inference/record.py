"""What an engine_id stands for, written down before its first answer."""

from __future__ import annotations

from pyspark.sql import functions as F

from synpref.engines.identity import EngineCard
from synpref.store.warehouse import Warehouse

SCHEMA = "engine_id string, kind string, name string, simulated boolean, dtype string, details string"


def record_engine(warehouse: Warehouse, card: EngineCard) -> None:
    """Put the card into `engines` unless it stands there; one small read where it does."""
    warehouse.create("engines")
    known = warehouse.read("engines").where(F.col("engine_id") == card.engine_id)
    if not known.isEmpty():
        return
    row = (card.engine_id, card.kind, card.name, card.simulated, card.dtype, card.canonical_json)
    warehouse.insert("engines", warehouse.spark.createDataFrame([row], SCHEMA), unique=True)
