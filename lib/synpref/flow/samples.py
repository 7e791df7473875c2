"""Rows for people to read: some that were curated, some that were refused."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from synpref.flow.measure import decisions_of
from synpref.flow.pool import content_of, source_labels
from synpref.inference.work import EVERY_CAMPAIGN
from synpref.report.page import Sample
from synpref.stage import Stage
from synpref.stage1.sampling import sampled

EACH = 20


def curated_samples(stage: Stage, campaign: str, policy: str) -> list[Sample]:
    """Twenty curated pairs, chosen by seed."""
    table = stage.warehouse.read("curated").where((F.col("campaign") == campaign) & (F.col("policy") == policy))
    return [
        Sample(
            heading=f"{row['decision']}: {row['reason']}",
            facts={"source": row["source"], "comparison": row["comparison_id"], **_probabilities(row)},
            prompt=[message.asDict() for message in row["prompt"]],
            responses={"chosen": row["chosen"], "rejected": row["rejected"]},
        )
        for row in sampled(table, "samples", EACH, stage.settings.seed).collect()
    ]


def refused_samples(stage: Stage, campaign: str, policy: str) -> list[Sample]:
    """Ten dropped comparisons and ten quarantined rows, chosen by seed."""
    dropped = decisions_of(stage, campaign, policy).where("decision = 'drop'")
    some = sampled(dropped, "samples", EACH // 2, stage.settings.seed)
    samples = [
        Sample(
            heading=f"dropped: {row['reason']}",
            facts={"source label": row["source_label"], "comparison": row["comparison_id"], **_probabilities(row)},
            prompt=[message.asDict() for message in row["messages"]],
            responses={"response a": row["text_a"], "response b": row["text_b"]},
        )
        for row in content_of(stage, some).collect()
    ]
    return samples + [
        Sample(
            heading=f"quarantined in {row['stage']}: {row['reason']}",
            facts={"row": row["row_key"], "detail": row["detail"] or ""},
            original=row["original"],
        )
        for row in _quarantined(stage, campaign).collect()
    ]


def _quarantined(stage: Stage, campaign: str) -> DataFrame:
    """Some rows that this campaign's files or stages lost; the table is shared with all others.

    What an engine refused belongs to the campaign whose comparison or response it is. A text's id names neither: texts
    go by the campaign's embedder.
    """
    table, files = stage.warehouse.read("quarantine"), stage.ingested()["file_ids"]
    parts = F.split("row_key", ":")
    shared = table.where(F.col("campaign") == EVERY_CAMPAIGN).withColumn("key", F.element_at(parts, 1))
    ingested = shared.where((F.col("stage") == "ingest") & F.col("key").isin(files))
    by_engines = shared.where(F.col("stage") != "ingest")
    texts = by_engines.where(F.element_at(parts, -1) == F.lit(_embedder(stage, campaign)))
    # what was refused is mostly few; the ids are as many as the pool, three times
    others = by_engines.join(_ids(stage, campaign), "key", "left_semi")
    found = [each.drop("key") for each in (ingested, texts, others)]
    own = reduce(DataFrame.unionByName, found, table.where(F.col("campaign") == campaign))
    return own.orderBy(F.xxhash64("row_key"), "row_key").limit(EACH // 2)


def _embedder(stage: Stage, campaign: str) -> str | None:
    found: str | None = stage.left_by("embed", campaign).get("engine_id")
    return found


def _ids(stage: Stage, campaign: str) -> DataFrame:
    """`key`: every comparison of the campaign, and its responses."""
    own = source_labels(stage, campaign).select("comparison_id")
    pairs = stage.warehouse.read("comparisons").join(own, "comparison_id", "left_semi")  # large with large, on ids
    return pairs.select(F.explode(F.array("comparison_id", "response_a", "response_b")).alias("key"))


def _probabilities(row: Row) -> dict[str, str]:
    return {name: f"{row[name]:.3f}" for name in ("p_gold", "p_best") if row[name] is not None}
