"""Gold: people label a part of the pool, the hold-out is drawn among its groups, and later iterations ask for more."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.errors import InputError
from synpref.flow.answers import of_provider, people_label
from synpref.flow.pool import askable, in_pool, source_labels
from synpref.flow.twins import twins_of, twins_of_seed
from synpref.stage import Stage
from synpref.stage1.hold_out import HoldOutRule, draw_hold_out
from synpref.stage1.human_labels import aggregated, answered_for, answered_later, batch_of
from synpref.stage1.label_rows import label_rows
from synpref.stage1.roles import changed_roles, current_roles, discarding, seed_roles
from synpref.stage1.sampling import sampled, source_gold


def seed_gold(stage: Stage, campaign: str) -> dict[str, int]:
    """Write labels and roles of iteration 0; returns comparisons by role."""
    settings, warehouse = stage.settings, stage.warehouse
    labels = source_labels(stage, campaign)
    wanted = _wanted(stage, labels, askable(stage, campaign))
    human = aggregated(people_label(stage, wanted, batch_of(0))).cache()
    gold = human.where("label IS NOT NULL").join(labels.select("comparison_id", "group"), "comparison_id")
    # groups of gold: as many as gold comparisons at most
    sizes = {row["group"]: row["count"] for row in gold.groupBy("group").count().collect()}
    if not sizes:
        raise InputError(
            f"gold: no human labels ({settings.humans.provider}); let people label (`synpref export-batch`, then "
            "`synpref import-labels`), or set humans.provider"
        )
    stage.say(f"gold: {sum(sizes.values())} comparisons in {len(sizes)} groups")
    hold_out = settings.stage1.hold_out
    rule = HoldOutRule(hold_out.validation_share, hold_out.test_share, hold_out.min_groups, hold_out.min_comparisons)
    sides = _drawn(stage, campaign, labels) or draw_hold_out(sizes, rule, settings.seed)
    roles = seed_roles(labels, human.select("comparison_id", "label"), sides, in_pool(stage), campaign)
    roles = discarding(roles, twins_of_seed(stage, campaign, roles))
    warehouse.replace("roles", roles, {"campaign": campaign, "iteration": 0})
    rows = label_rows(human, campaign, 0, "human")
    warehouse.replace("labels", rows, {"campaign": campaign, "iteration": 0, "origin": "human"})
    own = (F.col("campaign") == campaign) & (F.col("iteration") == 0)
    # one row a role
    return {row["role"]: row["count"] for row in warehouse.read("roles").where(own).groupBy("role").count().collect()}


def more_gold(stage: Stage, campaign: str, iteration: int, pool: DataFrame) -> None:
    """People label further comparisons of the pool (comparison_id): gold-train, or discarded where undecided."""
    warehouse, wanted = stage.warehouse, _wanted_later(stage, iteration, pool)
    if wanted is None:
        return
    votes = aggregated(people_label(stage, wanted, batch_of(iteration))).cache()
    rows = label_rows(votes, campaign, iteration, "human")
    warehouse.replace("labels", rows, {"campaign": campaign, "iteration": iteration, "origin": "human"})
    decided, undecided = votes.where("label IS NOT NULL"), votes.where("label IS NULL")
    now = current_roles(warehouse.read("roles"), campaign, until=iteration - 1)
    same = twins_of(stage, campaign, decided, now.where("role IN ('stage1_pool', 'silver', 'wild')"))
    gone = undecided.select("comparison_id").unionByName(same).distinct()
    roles = changed_roles(decided, "gold-train", campaign, iteration).unionByName(
        changed_roles(gone, "discarded", campaign, iteration)
    )
    warehouse.replace("roles", roles, {"campaign": campaign, "iteration": iteration})


def _drawn(stage: Stage, campaign: str, labels: DataFrame) -> dict[str, str]:
    """Sides by group as an earlier run drew them; empty before. People who label more change no side."""
    if not stage.warehouse.exists("roles"):
        return {}
    seed = stage.warehouse.read("roles").where((F.col("campaign") == campaign) & (F.col("iteration") == 0))
    # what people decided when it was drawn, also where they no longer do
    of_gold = "side IS NOT NULL AND role IN ('gold-validation', 'gold-test', 'discarded')"
    held_out = seed.where(of_gold).select("comparison_id", "side")
    # gold is small beside the pool, and groups of gold are as many as its comparisons at most
    rows = labels.join(held_out, "comparison_id").select("group", "side").distinct().collect()
    return {row["group"]: row["side"] for row in rows}


def _wanted(stage: Stage, labels: DataFrame, pool: DataFrame) -> DataFrame:
    settings = stage.settings
    if settings.humans.provider == "source":
        return source_gold(labels, in_pool(stage), settings.humans.share, settings.seed)
    if settings.humans.provider == "table":
        stage.warehouse.create("human_labels")
        # what people answered is small beside the pool
        return pool.join(
            answered_later(of_provider(stage, stage.warehouse.read("human_labels"))), "comparison_id", "left_anti"
        )
    return sample_of(stage, 0, pool)


def _wanted_later(stage: Stage, iteration: int, pool: DataFrame) -> DataFrame | None:
    """The comparisons of the pool that people label in an iteration after the seed; None where they are not asked.

    table: whatever they answered for this iteration or an earlier one, in the last iteration for any, whoever drew it.
    So an iteration that is run again does not see what people answered for a later one.
    """
    settings = stage.settings.stage1
    if stage.settings.humans.provider == "table":
        answered = answered_for(of_provider(stage, stage.warehouse.read("human_labels")))
        if iteration < settings.iterations:
            answered = answered.where(F.col("iteration") <= iteration)
        # what people answered is small beside the pool
        return pool.join(answered.select("comparison_id"), "comparison_id", "left_semi")
    return sample_of(stage, iteration, pool) if settings.human_per_iteration else None


def unanswered(stage: Stage, items: DataFrame) -> DataFrame:
    """The items (comparison_id) without what people answered by a table: judges leave it to become gold."""
    if stage.settings.humans.provider != "table":
        return items
    answered = of_provider(stage, stage.warehouse.read("human_labels")).select("comparison_id")
    return items.join(answered, "comparison_id", "left_anti")  # judges and people label few comparisons of the pool


def sample_of(stage: Stage, iteration: int, pool: DataFrame) -> DataFrame:
    """The comparisons of the pool that people are asked about for an iteration; 0 is the seed."""
    settings = stage.settings
    if iteration == 0:
        return sampled(pool, "human", settings.stage1.seed_human, settings.seed)
    return sampled(pool, f"human {iteration}", settings.stage1.human_per_iteration, settings.seed)
