"""What a campaign knows of the data of its final models, for their cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.report.console import TRAINING_SETS
from synpref.report.model_card import DataFacts
from synpref.stage import Stage
from synpref.stage2.training_sets import Mix


def campaign_facts(stage: Stage, campaign: str, gold: DataFrame) -> DataFacts:
    """What holds for all final models: tables, counts of hygiene, gold-validation, which they are measured on.

    gold: comparison_id, group of gold-validation. How many groups a training set has is not counted.
    """
    warehouse, policy = stage.warehouse, stage.left_by("stage2", campaign)["policy"]
    runs = warehouse.read("stage_runs").where((F.col("stage") == "hygiene") & (F.col("campaign") == campaign))
    hygiene = runs.orderBy(F.desc("started")).select("duplicates", "quarantined").first()
    held = gold.agg(F.count("*").alias("rows"), F.count_distinct("group").alias("groups")).first()  # gold is small
    listed = [*stage.settings.hygiene.benchmarks, *stage.ingested()["benchmarks"]]
    return DataFacts(
        data={
            "table decisions": f"version {warehouse.version('decisions')}",
            "its campaign": campaign,
            "its policy": policy,
        },
        sizes={"validation": held["rows"] if held else 0},
        groups={"validation": held["groups"] if held else 0},
        refused=dict(hygiene["quarantined"]) if hygiene else {},
        duplicates=hygiene["duplicates"] if hygiene else 0,
        decontaminated=[Path(path).name for path in listed],
        backbone=stage.settings.train.backbone,
    )


def of_training_set(facts: DataFacts, mix: Mix, rows: int, decided: Mapping[str, int]) -> DataFacts:
    """The same for the models of one training set. rows: in it. decided: comparisons by decision (keep, flip, drop)."""
    left_out = {"original": (), "filtered": ("flip", "drop"), "filtered_corrected": ("drop",)}[mix]
    refused = {f"decision {one}": decided[one] for one in left_out if decided.get(one)}
    return replace(
        facts,
        data={**facts.data, "training set": dict(TRAINING_SETS)[mix]},
        sizes={**facts.sizes, "train": rows},
        refused={**facts.refused, **refused},
    )
