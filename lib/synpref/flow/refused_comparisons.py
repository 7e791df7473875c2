"""Comparisons that no model is trained on, because a response is too long or the chat template refuses its roles."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.reward.refused import REASONS, may_refuse, refused_responses
from synpref.stage import Stage


def with_refused(stage: Stage, rows: DataFrame) -> DataFrame:
    """Rows (comparison_id, reason, more) with the reason of a refused response where there was none.

    overlong: a response is too long, where scorer.overlong is refuse. row_refused: the backbone's chat template refuses
    the roles of the conversation.
    """
    read, train, overlong = stage.warehouse.read, stage.settings.train, stage.settings.scorer.overlong
    backbone = Path(train.backbone).absolute()
    if not may_refuse(backbone, overlong):
        return rows
    sides = rows.select("comparison_id").join(read("comparisons"), "comparison_id")
    ids = sides.select("comparison_id", F.explode(F.array("response_a", "response_b")).alias("response_id"))
    # large with large, on ids; text is joined last
    texts = read("responses").join(ids.select("response_id").distinct(), "response_id", "left_semi")
    texts = texts.select("response_id", "prompt_id", "text").join(read("prompts"), "prompt_id")
    found = refused_responses(texts, backbone, train.max_tokens, overlong)
    refused = found.localCheckpoint()  # tokenised once, however often the rows are looked at
    # roles are the prompt's: both sides are refused for them, or neither
    gone = ids.join(refused, "response_id").groupBy("comparison_id").agg(F.min("refused").alias("refused"))
    marked = rows.join(gone, "comparison_id", "left")  # what is refused is the small side
    return marked.withColumn("reason", F.coalesce("reason", "refused")).drop("refused")


def refused_comparisons(stage: Stage, campaign: str, wanted: DataFrame) -> dict[str, int]:
    """Put the wanted (comparison_id) with a refused response into quarantine; their number by reason.

    For where a trainer left some out: no other takes them either.
    """
    marked = with_refused(stage, wanted.select("comparison_id").withColumn("reason", F.lit(None).cast("string")))
    told = F.create_map(*(F.lit(text) for one in REASONS.items() for text in one))
    found = marked.where("reason IS NOT NULL").select(
        F.lit(campaign).alias("campaign"),
        F.lit(stage.name).alias("stage"),
        F.col("comparison_id").alias("row_key"),
        "reason",
        told[F.col("reason")].alias("detail"),
        F.to_json(F.struct("comparison_id")).alias("original"),
    )
    stage.warehouse.insert("quarantine", found, unique=True)
    return {row["reason"]: row["count"] for row in found.groupBy("reason").count().collect()}  # two reasons at most
