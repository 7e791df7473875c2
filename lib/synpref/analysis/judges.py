"""How judges did: what they said, how often the order decided, how often they agree with gold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as sf

from synpref.quality.wilson import wilson_bounds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VERDICTS = ("a", "b", "no_preference", "unparsed")


def judge_sums(verdicts: DataFrame, gold: DataFrame) -> DataFrame:
    """Counts by engine_id from verdicts (see the table) and gold (comparison_id, label a or b).

    verdicts_<verdict>: answers. A unit is one comparison and sample that was asked in both orders with the same
    few-shots (another campaign or iteration may have shown others): ordered counts the units with both answers parsed,
    changed those whose verdict differs with the order; gold_asked counts the units that have a gold label, gold_right
    those where both answers are it (inconsistent or unparsed is wrong, paper.md §10.5).
    """
    counts = [sf.count(sf.when(sf.col("verdict") == one, 1)).alias(f"verdicts_{one}") for one in VERDICTS]
    units = verdicts.groupBy("engine_id", "comparison_id", "sample", "few_shots").agg(
        *counts, sf.size(sf.collect_set("order")).alias("orders"), sf.collect_set("verdict").alias("said")
    )
    # gold is the small side
    units = units.join(gold.select("comparison_id", "label"), "comparison_id", "left")
    both = sf.col("orders") == 2
    parsed = both & (sf.col("verdicts_unparsed") == 0)
    asked = both & sf.col("label").isNotNull()
    agrees = sf.col("said") == sf.array("label")
    return units.groupBy("engine_id").agg(
        *(sf.sum(f"verdicts_{one}").alias(f"verdicts_{one}") for one in VERDICTS),
        sf.count(sf.when(parsed, 1)).alias("ordered"),
        sf.count(sf.when(parsed & (sf.size("said") > 1), 1)).alias("changed"),
        sf.count(sf.when(asked, 1)).alias("gold_asked"),
        sf.count(sf.when(asked & agrees, 1)).alias("gold_right"),
    )


def judge_block(sums: Mapping[str, Any], *, simulated: bool, admitted: bool | None) -> dict[str, Any]:
    """One judge of the summary's `judges` from its row of `judge_sums`. A rate over nothing is None."""
    asked, ordered = sums["gold_asked"], sums["ordered"]
    return {
        "simulated": simulated,
        "admitted": admitted,
        "gold_agreement": sums["gold_right"] / asked if asked else None,
        "position_flip_rate": sums["changed"] / ordered if ordered else None,
        "verdicts": {one: int(sums[f"verdicts_{one}"]) for one in VERDICTS},
    }


def judge_interval(sums: Mapping[str, Any], z: float) -> dict[str, float | int]:
    """Wilson bounds of the gold agreement: estimate, low, high, comparisons (both orders asked)."""
    asked, right = int(sums["gold_asked"]), int(sums["gold_right"])
    low, high = wilson_bounds(right, asked, z)
    return {"estimate": right / asked if asked else 0.0, "low": low, "high": high, "comparisons": asked}
