"""Human and judge labels in a loop: gold, silver, and the reward models trained on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.cli import submit
from synpref.flow import specs
from synpref.flow.answers import Calls, scored
from synpref.flow.gates import inference_table
from synpref.flow.gold import more_gold, seed_gold, unanswered
from synpref.flow.models import enough, gold_validation, noted, snapshot, trained
from synpref.flow.pool import embedded_items, source_labels
from synpref.flow.roster import examined, voted
from synpref.flow.unused_answers import unused_answers, unused_told
from synpref.flow.views import make_views
from synpref.flow.wild import pool_to_wild
from synpref.reward.model_folder import TrainedModel
from synpref.stage import Outcome, Stage
from synpref.stage1.label_rows import label_rows, latest_labels, winners
from synpref.stage1.nearest import collect_vectors
from synpref.stage1.reconciled import reconciled_roles
from synpref.stage1.retrieval import adaptive, allowed_by, human_probabilities, retrieval_rows
from synpref.stage1.roles import (
    changed_roles,
    current_roles,
    roles_before_judges,
    seed_with_silver,
)
from synpref.stage1.roster import RosterJudge
from synpref.stage1.sampling import sampled
from synpref.stage1.shots import shown


def run(stage: Stage) -> Outcome:
    """Seed gold and silver, iterate, train the gold and the best reward model, and give the rest to Stage 2."""
    settings, campaign, calls = stage.settings, stage.campaign(), Calls()
    seed = seed_gold(stage, campaign)
    stage.say(", ".join(f"{role} {count}" for role, count in sorted(seed.items())))
    validation = gold_validation(stage, campaign, _winners(stage, campaign, "human", "gold-validation", 0))
    notes: dict[str, Any] = {}
    silver_models: list[TrainedModel] = []
    last = 0
    if settings.judges:
        inference_table(stage, "embeddings", [stage.left_by("embed", campaign)["engine_id"]])
        items = embedded_items(stage, campaign).cache()
        judges, notes = _seed_silver(stage, calls, campaign, items)
        if judges:
            last = settings.stage1.iterations
            silver_models = _iterate(stage, calls, campaign, items, judges, validation)
        items.unpersist()
    best = _best(stage, campaign, silver_models, validation, last)
    gold_winners = _winners(stage, campaign, "human", "gold-train", last)
    enough(gold_winners, settings.train.min_comparisons, "gold-train")
    gold = trained(stage, "gold", snapshot(stage, gold_winners), validation, "labels")
    make_views(stage)
    left = reconciled_roles(current_roles(stage.warehouse.read("roles"), campaign), source_labels(stage, campaign))
    unused = unused_answers(stage, campaign)
    if unused:
        stage.say(unused_told(unused))
    return calls.outcome(
        campaign,
        sum(left.values()),
        gold=noted(gold),
        best=best,
        silver_models=[noted(model) for model in silver_models],
        judges=notes,
        last_iteration=last + 1,
        roles=left,
        answers_unused=unused,
    )


def _seed_silver(
    stage: Stage, calls: Calls, campaign: str, items: DataFrame
) -> tuple[list[RosterJudge], dict[str, Any]]:
    """Admit judges on gold-validation; those admitted label the other part of the seed."""
    settings = stage.settings
    roles = current_roles(stage.warehouse.read("roles"), campaign, until=0)
    of_role = items.join(roles.select("comparison_id", "role"), "comparison_id").cache()
    validation = of_role.where("role = 'gold-validation'")
    seed = sampled(of_role.where("role = 'stage1_pool'"), "judge", settings.stage1.seed_judge, settings.seed)
    seed = unanswered(stage, seed)  # drawn before: a run again asks judges about nothing new in their stead
    targets = _with_shots(stage, campaign, 0, validation.unionByName(seed), items).cache()
    human = latest_labels(stage.warehouse.read("labels"), campaign, "human", 0)
    judges, notes = examined(stage, calls, targets.where("role = 'gold-validation'").join(human, "comparison_id"))
    if judges:
        _label(stage, calls, campaign, 0, targets.where("role = 'stage1_pool'"), judges)
    else:
        stage.say("no judge was admitted: no silver; the best reward model will be cross-fitted on source labels")
    targets.unpersist()
    of_role.unpersist()
    return judges, notes


def _iterate(
    stage: Stage, calls: Calls, campaign: str, items: DataFrame, judges: list[RosterJudge], validation: Path
) -> list[TrainedModel]:
    """Train on silver, retrieve by gold errors, judge, and train once more on all silver; the models in order."""
    models: list[TrainedModel] = []
    # a run in which no judge was admitted left its halves at iteration 1: they, and twins that they would have parted,
    # are this run's pool
    iterations = F.col("iteration").between(1, stage.settings.stage1.iterations)
    of_halves = F.col("role").isin("wild", "discarded") & iterations
    stage.warehouse.discard("roles", (F.col("campaign") == campaign) & of_halves)
    for iteration in range(1, stage.settings.stage1.iterations + 1):
        stage.say(f"iteration {iteration} of {stage.settings.stage1.iterations}")
        model = _silver_model(stage, campaign, iteration - 1, validation)
        if model is None:
            return models
        models.append(model)
        pool = _of_role(stage, campaign, "stage1_pool", items, iteration - 1)
        more_gold(stage, campaign, iteration, pool)
        _label(stage, calls, campaign, iteration, _retrieved(stage, calls, campaign, iteration, items, model), judges)
    final = _silver_model(stage, campaign, stage.settings.stage1.iterations, validation)
    return models if final is None else [*models, final]


def _silver_model(stage: Stage, campaign: str, until: int, validation: Path) -> TrainedModel | None:
    silver = _winners(stage, campaign, "judge", "silver", until)
    count = silver.count()
    if count < stage.settings.stage1.min_silver:
        stage.say(f"silver has {count} labels, fewer than stage1.min_silver: no model is trained on it")
        return None
    return trained(stage, f"silver-{until}", snapshot(stage, silver), validation, "labels")


def _retrieved(
    stage: Stage, calls: Calls, campaign: str, iteration: int, items: DataFrame, model: TrainedModel
) -> DataFrame:
    """Pool items that the model's gold-train errors pull, with their shots; the retrieval is committed first."""
    settings, warehouse = stage.settings.stage1, stage.warehouse
    gold = _gold_train(stage, campaign, iteration, items).cache()
    spec = specs.campaign_scorer(stage.settings, model.name, str(model.path))
    engine_id = scored(stage, calls, gold, spec)
    inference_table(stage, "rewards", [engine_id])
    pairs = gold.select("comparison_id", "label").join(warehouse.read("comparisons"), "comparison_id")
    rewards = warehouse.read("rewards").where(F.col("engine_id") == engine_id).select("response_id", "reward")
    # gold-train is bounded by what people label
    p = {row["comparison_id"]: row["p"] for row in human_probabilities(pairs, rewards).toLocalIterator()}
    allowed = allowed_by(p, settings.k_max)
    open_roles = roles_before_judges(warehouse.read("roles"), campaign, iteration).where("role = 'stage1_pool'")
    pool = items.join(open_roles.select("comparison_id"), "comparison_id", "left_semi")  # large with large, on the key
    found = adaptive(
        pool,
        collect_vectors(gold),
        allowed,
        k_max=settings.k_max,
        max_per_prompt=settings.max_per_prompt,
        limit=settings.max_retrieved,
    )
    queries = warehouse.spark.createDataFrame(
        [(query, p[query], k) for query, k in sorted(allowed.items())], "query string, p double, k int"
    )
    rows = retrieval_rows(found, campaign, iteration, "adaptive", queries)
    warehouse.replace("retrievals", rows, {"campaign": campaign, "iteration": iteration, "purpose": "adaptive"})
    own = (F.col("campaign") == campaign) & (F.col("iteration") == iteration) & (F.col("purpose") == "adaptive")
    committed = warehouse.read("retrievals").where(own).select(F.col("retrieved").alias("comparison_id"))
    # what is retrieved is small beside the pool
    targets = unanswered(stage, items.join(committed, "comparison_id", "left_semi"))
    wanted, pulled = sum(allowed.values()), committed.count()
    fewer = f", fewer than the {wanted} that k(p) allows (limits of stage1, or of the pool)" if pulled < wanted else ""
    stage.say(f"{len(allowed)} gold-train comparisons pull {pulled} comparisons of the pool{fewer}")
    return _with_shots(stage, campaign, iteration, targets, items)


def _label(
    stage: Stage, calls: Calls, campaign: str, iteration: int, targets: DataFrame, judges: list[RosterJudge]
) -> None:
    """Judges label the targets; those with a label become silver."""
    warehouse = stage.warehouse
    with voted(stage, calls, targets, judges) as votes:
        rows = label_rows(votes, campaign, iteration, "judge")
        warehouse.replace("labels", rows, {"campaign": campaign, "iteration": iteration, "origin": "judge"})
    own = (F.col("campaign") == campaign) & (F.col("iteration") == iteration) & (F.col("origin") == "judge")
    labelled = warehouse.read("labels").where(own & F.col("label").isNotNull())
    if iteration:
        silver = changed_roles(labelled, "silver", campaign, iteration)
        warehouse.replace("roles", silver, {"campaign": campaign, "iteration": iteration, "role": "silver"})
    else:
        seed = seed_with_silver(warehouse.read("roles"), labelled, campaign)
        warehouse.replace("roles", seed, {"campaign": campaign, "iteration": 0})


def _best(
    stage: Stage, campaign: str, silver_models: list[TrainedModel], validation: Path, last: int
) -> list[dict[str, Any]]:
    """Give what is left of the pool to wild, and choose the best reward model (paper.md §2.2), or cross-fit two."""
    pool_to_wild(stage, campaign, last, in_halves=not silver_models)
    if silver_models:
        return [noted(max(silver_models, key=lambda model: model.validation_accuracy or 0.0))]
    return [_half(stage, campaign, fold, validation) for fold in (0, 1)]


def _half(stage: Stage, campaign: str, fold: int, validation: Path) -> dict[str, Any]:
    """The model that scores this fold: trained on the other half's source labels."""
    roles = current_roles(stage.warehouse.read("roles"), campaign)
    labels = source_labels(stage, campaign).where(F.col("label").isin("a", "b"))
    other = roles.where((F.col("role") == "wild") & (F.col("fold") == 1 - fold)).join(labels, "comparison_id")
    half = other.select("comparison_id", F.col("label").alias("winner"))
    enough(half, stage.settings.train.min_comparisons, f"source labels of half {1 - fold}")
    model = trained(stage, f"half-{1 - fold}", snapshot(stage, half), validation, "source_labels")
    return noted(model, fold)


def _with_shots(stage: Stage, campaign: str, iteration: int, targets: DataFrame, items: DataFrame) -> DataFrame:
    gold = _gold_train(stage, campaign, iteration, items)
    return shown(
        stage.warehouse, targets, gold, k=stage.settings.stage1.few_shots, campaign=campaign, iteration=iteration
    )


def _gold_train(stage: Stage, campaign: str, until: int, items: DataFrame) -> DataFrame:
    human = latest_labels(stage.warehouse.read("labels"), campaign, "human", until)
    return _of_role(stage, campaign, "gold-train", items, until).join(human, "comparison_id")  # gold is small


def _of_role(stage: Stage, campaign: str, role: str, items: DataFrame, until: int) -> DataFrame:
    roles = current_roles(stage.warehouse.read("roles"), campaign, until=until).where(F.col("role") == role)
    return items.join(roles.select("comparison_id"), "comparison_id", "left_semi")  # large with large, on the key


def _winners(stage: Stage, campaign: str, origin: str, role: str, until: int) -> DataFrame:
    roles = current_roles(stage.warehouse.read("roles"), campaign, until=until)
    return winners(latest_labels(stage.warehouse.read("labels"), campaign, origin, until), roles, role)


if __name__ == "__main__":
    submit("stage1")
