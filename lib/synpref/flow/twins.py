"""Comparisons that are one comparison once normalised: no two of gold-train, silver and wild hold the same."""

from __future__ import annotations

from pyspark.sql import DataFrame

from synpref.stage import Stage
from synpref.stage1.roles import twins


def twins_of(stage: Stage, taken: DataFrame, among: DataFrame) -> DataFrame:
    """comparison_id of those among that equal one taken (both: comparison_id); none where hygiene merged them."""
    ids = among.select("comparison_id")
    if stage.settings.hygiene.duplicates == "normalised":
        return ids.limit(0)
    return twins(taken, ids, stage.warehouse.read("comparisons"))
