"""Comparisons that no model is trained on, because a response is longer than the settings allow."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.reward.overlong import refused_responses
from synpref.stage import Stage


def with_overlong(stage: Stage, rows: DataFrame) -> DataFrame:
    """Rows (comparison_id, reason, more) with the reason overlong where there was none and a response is too long."""
    read, train = stage.warehouse.read, stage.settings.train
    sides = rows.select("comparison_id").join(read("comparisons"), "comparison_id")
    ids = sides.select("comparison_id", F.explode(F.array("response_a", "response_b")).alias("response_id"))
    # large with large, on ids; text is joined last
    texts = read("responses").join(ids.select("response_id").distinct(), "response_id", "left_semi")
    texts = texts.select("response_id", "prompt_id", "text").join(read("prompts"), "prompt_id")
    found = refused_responses(texts, Path(train.backbone).absolute(), train.max_tokens)
    refused = found.localCheckpoint()  # tokenised once, however often the rows are looked at
    gone = ids.join(refused, "response_id", "left_semi").select("comparison_id").distinct()
    marked = rows.join(gone.withColumn("overlong", F.lit(True)), "comparison_id", "left")
    return marked.withColumn("reason", F.coalesce("reason", F.when(F.col("overlong"), F.lit("overlong"))))


def overlong_comparisons(stage: Stage, campaign: str, wanted: DataFrame) -> dict[str, int]:
    """Put the wanted (comparison_id) with a response above train.max_tokens into quarantine; their number by reason.

    For where scorer.overlong is refuse: no trainer takes them.
    """
    marked = with_overlong(stage, wanted.select("comparison_id").withColumn("reason", F.lit(None).cast("string")))
    found = marked.where("reason IS NOT NULL").select(
        F.lit(campaign).alias("campaign"),
        F.lit(stage.name).alias("stage"),
        F.col("comparison_id").alias("row_key"),
        "reason",
        F.lit("a response is above train.max_tokens").alias("detail"),
        F.to_json(F.struct("comparison_id")).alias("original"),
    )
    stage.warehouse.insert("quarantine", found, unique=True)
    return {row["reason"]: row["count"] for row in found.groupBy("reason").count().collect()}  # one reason
