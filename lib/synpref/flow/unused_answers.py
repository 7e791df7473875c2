"""People's answers that a campaign makes no use of, and why."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import functions as F

from synpref.flow.answers import of_provider
from synpref.stage import Stage
from synpref.stage1.human_labels import aggregated
from synpref.stage1.roles import current_roles

_WHY = {
    "discarded": "once normalised they equal another comparison, which stays or is held out",
    "held_out": "their groups are held out",
    "silver": "judges labelled them in an earlier run",
    "wild": "they are not of the Stage 1 pool, or it ended before an iteration took them",
}


def unused_answers(stage: Stage, campaign: str) -> dict[str, int]:
    """Comparisons of the campaign with a label by people that are no gold, by role, once Stage 1 is over.

    Empty where humans.provider is not table. Answers about comparisons that other campaigns have are not counted.
    """
    if stage.settings.humans.provider != "table":
        return {}
    decided = aggregated(of_provider(stage, stage.warehouse.read("human_labels"))).where("label IS NOT NULL")
    others = current_roles(stage.warehouse.read("roles"), campaign).where(~F.col("role").startswith("gold-"))
    # what people answered is small beside the roles; what is counted is one row a role
    counts = decided.join(others, "comparison_id").groupBy("role").count().orderBy("role").collect()
    return {row["role"]: row["count"] for row in counts}


def unused_told(counts: Mapping[str, int]) -> str:
    """The counts of `unused_answers` as a sentence."""
    parts = [f"{count} {role} ({_WHY[role]})" if role in _WHY else f"{count} {role}" for role, count in counts.items()]
    return f"{sum(counts.values())} comparisons that people labelled are no gold: {', '.join(parts)}"
