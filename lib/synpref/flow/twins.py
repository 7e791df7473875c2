"""Comparisons that are one comparison once normalised: no two of gold-train, silver and wild hold the same, and none of
them what is held out.
"""

from __future__ import annotations

from pyspark.sql import DataFrame

from synpref.stage import Stage
from synpref.stage1.roles import twins, twins_across_groups


def twins_of(stage: Stage, taken: DataFrame, among: DataFrame) -> DataFrame:
    """comparison_id of those among that equal one taken (both: comparison_id); none where hygiene merged them."""
    ids = among.select("comparison_id")
    if stage.settings.hygiene.duplicates == "normalised":
        return ids.limit(0)
    return twins(taken, ids, stage.warehouse.read("comparisons"))


def twins_across_halves(stage: Stage, wild: DataFrame) -> DataFrame:
    """comparison_id of what halves by group would part from an equal one: all but one group's; none where hygiene
    merged them. wild: comparison_id, group.
    """
    if stage.settings.hygiene.duplicates == "normalised":
        return wild.select("comparison_id").limit(0)
    return twins_across_groups(wild, stage.warehouse.read("comparisons"))


def twins_of_seed(stage: Stage, roles: DataFrame) -> DataFrame:
    """comparison_id of what may be neither trained on nor decided, among the seed's roles: what equals a comparison of
    a held-out group (gold-validation and gold-test among them), and of the pool also what equals one of gold-train.

    Where groups are those of prompts, twins share a group; where `groups.column` names them, a twin may stand in any.
    """
    open_roles = "role IN ('stage1_pool', 'wild')"
    held_out = roles.where("side IS NOT NULL")
    of_held_out = twins_of(stage, held_out, roles.where(f"side IS NULL AND (role = 'gold-train' OR {open_roles})"))
    of_gold_train = twins_of(stage, roles.where("role = 'gold-train'"), roles.where(open_roles))
    return of_held_out.unionByName(of_gold_train).distinct()
