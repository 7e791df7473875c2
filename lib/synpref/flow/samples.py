"""Rows for people to read: some that were curated, some that were refused."""

from __future__ import annotations

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from synpref.flow.measure import decisions_of
from synpref.flow.pool import content_of
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
    table = stage.warehouse.read("quarantine").where(F.col("campaign").isin("-", campaign))
    return table.orderBy(F.xxhash64("row_key"), "row_key").limit(EACH // 2)


def _probabilities(row: Row) -> dict[str, str]:
    return {name: f"{row[name]:.3f}" for name in ("p_gold", "p_best") if row[name] is not None}
