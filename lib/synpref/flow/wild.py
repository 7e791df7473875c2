"""What is left of the pool once Stage 1 is over joins wild, in halves where the best reward model is cross-fitted."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.flow.pool import source_labels
from synpref.flow.twins import twins_across_halves, twins_of, without_twins
from synpref.stage import Stage
from synpref.stage1.roles import changed_roles, current_roles, fold_column, folded_roles


def pool_to_wild(stage: Stage, campaign: str, last: int, *, in_halves: bool) -> None:
    """Write the roles of the iteration after the last: stage1_pool becomes wild, what equals silver is discarded.

    in_halves: all of wild gets the half that scores it, and of twins that halves would part only one group's stay.
    """
    warehouse = stage.warehouse
    # a run with more iterations, or with judges, may have gone further
    warehouse.discard("roles", (F.col("campaign") == campaign) & (F.col("iteration") > last + 1))
    roles = current_roles(warehouse.read("roles"), campaign, until=last)
    opened = roles.where("role IN ('stage1_pool', 'wild')")
    gone = twins_of(stage, campaign, roles.where("role = 'silver'"), opened)
    left = opened.join(gone, "comparison_id", "left_anti")  # twins are few
    if in_halves:
        # roles and source labels are both as large as the pool
        wild, parted = _halves(stage, left.join(source_labels(stage, campaign), "comparison_id"), campaign, last + 1)
        gone = gone.unionByName(parted)
    else:
        wild = changed_roles(left.where("role = 'stage1_pool'"), "wild", campaign, last + 1)
    rows = wild.unionByName(changed_roles(gone, "discarded", campaign, last + 1))
    warehouse.replace("roles", rows, {"campaign": campaign, "iteration": last + 1})


def _halves(stage: Stage, wild: DataFrame, campaign: str, iteration: int) -> tuple[DataFrame, DataFrame]:
    """Rows of roles that give wild its halves, and (comparison_id) of what leaves it since halves part it from a twin.

    wild: comparison_id, group.
    """
    settings = stage.settings
    groups = wild.select("group").distinct().limit(settings.stage2.fold_min_groups).count()
    parted = wild.select("comparison_id").limit(0)
    if groups >= settings.stage2.fold_min_groups:
        key = "group"
        parted = twins_across_halves(stage, campaign, wild)
        wild = wild.join(parted, "comparison_id", "left_anti")  # twins are few
    elif not without_twins(stage, campaign):  # they may stand in wild: in one half both
        key = "normalised_comparison_id"
        # large with large, on the key
        wild = wild.join(stage.warehouse.read("comparisons").select("comparison_id", key), "comparison_id")
    else:
        key = "comparison_id"
    stage.say(f"cross-fitting by {key}")
    return folded_roles(wild, fold_column(settings.seed, F.col(key)), campaign, iteration), parted
