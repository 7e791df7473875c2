"""Rows for people to read: of this campaign's inputs and no others, though the tables hold those of all."""

from __future__ import annotations

from pyspark.sql import SparkSession

from synpref.config import inputs_hash, load_settings
from synpref.flow.samples import refused_samples
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse


def test_quarantined_rows_are_those_of_this_campaign(spark: SparkSession, warehouse: Warehouse) -> None:
    stage = Stage("report", "run", load_settings(["demo"], []), warehouse, Gate())
    stage.left["ingest", inputs_hash(stage.settings)] = {"file_ids": ["mine", "mine as well"]}
    campaign = stage.campaign()
    stage.left["embed", campaign] = {"engine_id": "embedder"}
    pairs = [("c", "n", "p", "r1", "r2"), ("d", "m", "p", "r3", "r4")]
    labels = [(campaign, "c", "g", "pool", "a", None, "clean", "web", ["web"], "human", 1)]
    rows = [
        ("-", "ingest", "mine:3"), ("-", "ingest", "theirs:3"),
        ("-", "score", "r2:gold"), ("-", "score", "r4:gold"),
        ("-", "stage1", "c:hash:ab:0:judge"), ("-", "evaluate", "item:hash:ab:0:judge"),
        ("-", "embed", "text:embedder"), ("-", "embed", "text:another"),
        (campaign, "hygiene", "x"), ("another", "hygiene", "y"),
    ]  # fmt: skip
    quarantine = [(*row, "reason", None, "{}") for row in rows]
    for name, values in (("comparisons", pairs), ("source_labels", labels), ("quarantine", quarantine)):
        warehouse.insert(name, spark.createDataFrame(values, TABLES[name].ddl()), unique=True)
    warehouse.create("decisions", "prompts", "responses")
    shown = {sample.facts["row"] for sample in refused_samples(stage, campaign, "policy")}
    assert shown == {"mine:3", "r2:gold", "c:hash:ab:0:judge", "text:embedder", "x"}
