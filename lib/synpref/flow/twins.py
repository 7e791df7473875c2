"""Comparisons that are one comparison once normalised: no two of gold-train, silver and wild hold the same, and none of
them what is held out.
"""

from __future__ import annotations

from pyspark.sql import DataFrame

from synpref.stage import Stage
from synpref.stage1.roles import twins, twins_across_groups


def without_twins(stage: Stage, campaign: str) -> bool:
    """Whether hygiene left no two comparisons that are one once normalised, so that nothing needs to be looked for.

    It merges them under `hygiene.duplicates: normalised`, but for those whose own two responses are equal once
    normalised (hygiene.cleaned.Counts.alike).
    """
    if stage.settings.hygiene.duplicates != "normalised":
        return False
    alike = stage.left_by("hygiene", campaign).get("alike")  # versions before this one did not count them
    return alike is not None and alike < 2


def twins_of(stage: Stage, campaign: str, taken: DataFrame, among: DataFrame) -> DataFrame:
    """comparison_id of those among that equal one taken (both: comparison_id)."""
    ids = among.select("comparison_id")
    if without_twins(stage, campaign):
        return ids.limit(0)
    return twins(taken, ids, stage.warehouse.read("comparisons"))


def twins_across_halves(stage: Stage, campaign: str, wild: DataFrame) -> DataFrame:
    """comparison_id of what halves by group would part from an equal one: all but one group's.

    wild: comparison_id, group.
    """
    if without_twins(stage, campaign):
        return wild.select("comparison_id").limit(0)
    return twins_across_groups(wild, stage.warehouse.read("comparisons"))


def twins_of_seed(stage: Stage, campaign: str, roles: DataFrame) -> DataFrame:
    """comparison_id of what may be neither trained on nor decided, among the seed's roles: what equals a comparison of
    a held-out group (gold-validation and gold-test among them), and of the pool also what equals one of gold-train.

    Where groups are those of prompts, twins share a group; where `groups.column` names them, a twin may stand in any.
    """
    open_roles = "role IN ('stage1_pool', 'wild')"
    held_out, gold_train = roles.where("side IS NOT NULL"), roles.where("role = 'gold-train'")
    others = roles.where(f"side IS NULL AND (role = 'gold-train' OR {open_roles})")
    of_held_out = twins_of(stage, campaign, held_out, others)
    of_gold_train = twins_of(stage, campaign, gold_train, roles.where(open_roles))
    return of_held_out.unionByName(of_gold_train).distinct()
