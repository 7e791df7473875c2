"""Comparisons that a stage could not process, because an engine refused them or they were lost on the way to it."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.inference.work import EVERY_CAMPAIGN
from synpref.stage import Stage
from synpref.store.contracts import TABLES


def lost_comparisons(stage: Stage, table: str, wanted: DataFrame) -> dict[str, int]:
    """Comparisons by the reason for which an engine has no answer about them; each counts once.

    wanted: comparison_id, engine_id, and as `key` what the inference table's key begins with (response, text or
    comparison); a comparison may stand there several times, and is lost where one of its rows is.
    """
    read, names = stage.warehouse.read, ["key", "engine_id"]
    parts = F.split("row_key", ":")
    first, last = F.element_at(parts, 1).alias("key"), F.element_at(parts, -1).alias("engine_id")
    refused = read("quarantine").where(F.col("campaign") == EVERY_CAMPAIGN).select(first, last, "reason")
    answered = read(table).select(F.col(TABLES[table].key[0]).alias("key"), "engine_id")
    # what was refused is mostly the small side; what another job answered since is not lost
    gone = wanted.join(refused, names).join(answered, names, "left_anti")
    once = gone.groupBy("comparison_id").agg(F.min("reason").alias("reason"))
    return {row["reason"]: row["count"] for row in once.groupBy("reason").count().collect()}  # one row a reason


def undescribed(stage: Stage, wanted: DataFrame, engine_ids: Sequence[str]) -> dict[str, int]:
    """As `lost_comparisons`, of comparisons (comparison_id) that one of these engines refused and none described."""
    known = stage.warehouse.read("attributes").where(F.col("engine_id").isin(list(engine_ids)))
    # both are as large as the pool, joined on the key
    left = wanted.select("comparison_id").join(known.select("comparison_id"), "comparison_id", "left_anti")
    engines = F.explode(F.array(*map(F.lit, engine_ids))).alias("engine_id")
    return lost_comparisons(
        stage, "attributes", left.select("comparison_id", F.col("comparison_id").alias("key"), engines)
    )


def responses_for(stage: Stage, wanted: DataFrame, engine_id: str) -> DataFrame:
    """What `lost_comparisons` takes of comparisons (comparison_id) whose responses an engine was asked to score."""
    # large with large, on ids
    pairs = stage.warehouse.read("comparisons").join(wanted.select("comparison_id"), "comparison_id", "left_semi")
    key = F.explode(F.array("response_a", "response_b")).alias("key")
    return pairs.select("comparison_id", key).withColumn("engine_id", F.lit(engine_id))
