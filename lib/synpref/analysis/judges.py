"""How judges did: what they said, how often the order decided, how often they agree with gold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as sf

from synpref.engines.passed import Repairs
from synpref.quality.wilson import wilson_bounds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VERDICTS = ("a", "b", "no_preference", "unparsed")


def judge_sums(verdicts: DataFrame) -> DataFrame:
    """Counts by engine_id from verdicts (see the table).

    verdicts_<verdict>: answers. A unit is one comparison and sample that was asked in both orders with the same
    few-shots (another campaign or iteration may have shown others): ordered counts the units with both answers parsed,
    changed those whose verdict differs with the order.
    """
    counts = [sf.count(sf.when(sf.col("verdict") == one, 1)).alias(f"verdicts_{one}") for one in VERDICTS]
    units = verdicts.groupBy("engine_id", "comparison_id", "sample", "few_shots").agg(
        *counts, sf.size(sf.collect_set("order")).alias("orders"), sf.collect_set("verdict").alias("said")
    )
    parsed = (sf.col("orders") == 2) & (sf.col("verdicts_unparsed") == 0)
    return units.groupBy("engine_id").agg(
        *(sf.sum(f"verdicts_{one}").alias(f"verdicts_{one}") for one in VERDICTS),
        sf.count(sf.when(parsed, 1)).alias("ordered"),
        sf.count(sf.when(parsed & (sf.size("said") > 1), 1)).alias("changed"),
    )


def judge_block(
    sums: Mapping[str, Any],
    *,
    right: int,
    asked: int,
    simulated: bool,
    admitted: bool | None,
    repairs: Repairs,
) -> dict[str, Any]:
    """One judge of the summary's `judges` from its row of `judge_sums`. A rate over nothing is None.

    right, asked: of its examination on gold-validation (stage1.agreement), so that a missing answer is wrong here as
    it was there. repairs: of all its answers that stages counted.
    """
    ordered = sums["ordered"]
    return {
        "simulated": simulated,
        "admitted": admitted,
        "gold_agreement": right / asked if asked else None,
        "position_flip_rate": sums["changed"] / ordered if ordered else None,
        "verdicts": {one: int(sums[f"verdicts_{one}"]) for one in VERDICTS},
        "repairs": asdict(repairs),
    }


def repairs_of(details: Iterable[Mapping[str, Any]]) -> dict[str, Repairs]:
    """The sum by judge of the `repairs` of runs (stage_runs.detail). A stage that stood as an earlier run left it
    (`stands_since`) repeats that run's detail, and asked nothing.
    """
    found: dict[str, Repairs] = {}
    for detail in details:
        repairs = {} if "stands_since" in detail else detail.get("repairs", {})  # runs of earlier versions tell none
        for name, counts in repairs.items():
            found[name] = found.get(name, Repairs()) + Repairs(**counts)
    return found


def judge_interval(right: int, asked: int, z: float) -> dict[str, float | int]:
    """Wilson bounds of the gold agreement: estimate, low, high, comparisons (asked)."""
    low, high = wilson_bounds(right, asked, z)
    return {"estimate": right / asked if asked else 0.0, "low": low, "high": high, "comparisons": asked}
