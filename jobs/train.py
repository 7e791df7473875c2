"""Train final reward models on the original, the filtered and the corrected labels, or one on pairs of your own."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import functions as F

from synpref.cli import submit
from synpref.flow.campaign_card import campaign_facts, of_training_set
from synpref.flow.dry_run import dry_run
from synpref.flow.model_record import registered
from synpref.flow.models import enough, gold_validation, noted, snapshot, trained, unread
from synpref.flow.pool import source_labels
from synpref.flow.refused_comparisons import refused_comparisons
from synpref.flow.specs import of_final_models
from synpref.flow.training_files import train_on_data
from synpref.reward.model_folder import TrainedModel
from synpref.stage import Outcome, Stage
from synpref.stage1.label_rows import latest_labels, winners
from synpref.stage1.roles import current_roles
from synpref.stage2.training_sets import MIXES, training_set


def run(stage: Stage) -> Outcome:
    """Train on train.data where it names pairs, else the final models of the campaign; or only tell what it takes."""
    final = replace(stage, settings=of_final_models(stage.settings))
    if stage.settings.train.dry_run:
        told = dry_run(final)
        print(told.text, end="")
        return told.outcome
    if stage.settings.train.data.given:
        done = train_on_data(final)
        print(done.text, end="")
        return done.outcome
    return final_models(final, stage.campaign())


def final_models(stage: Stage, campaign: str) -> Outcome:
    """Three sets, several seeds each, at equal steps; a model that stands already is not trained again.

    stage: with the settings of the final models. campaign: of the settings as they were given.
    """
    settings, warehouse = stage.settings, stage.warehouse
    stage2 = stage.left_by("stage2", campaign)
    policy = stage2["policy"]
    decisions = warehouse.read("decisions").where((F.col("campaign") == campaign) & (F.col("policy") == policy)).cache()
    roles = current_roles(warehouse.read("roles"), campaign)
    human = latest_labels(warehouse.read("labels"), campaign, "human", settings.stage1.iterations + 1)
    gold = winners(human, roles, "gold-validation")
    validation = gold_validation(stage, campaign, gold)
    groups = source_labels(stage, campaign).select("comparison_id", "group")
    facts = campaign_facts(stage, campaign, gold.join(groups, "comparison_id"))  # gold is small
    models: dict[str, list[TrainedModel]] = {}
    sizes: dict[str, int] = {}
    for mix in MIXES:
        rows = training_set(decisions, mix).cache()
        sizes[mix] = enough(rows, settings.train.min_comparisons, f"training set {mix}")
        stage.say(f"training set {mix}: {sizes[mix]} comparisons")
        data, card = snapshot(stage, rows), of_training_set(facts, mix, sizes[mix], stage2["decisions"])
        seeds = range(settings.seed, settings.seed + settings.train.final_seeds)
        models[mix] = [
            trained(stage, f"{mix}-{number}", data, validation, "decisions", seed, card)
            for number, seed in enumerate(seeds, start=1)
        ]
    trained_models = [model for of_mix in models.values() for model in of_mix]
    lost: dict[str, int] = {}
    if any(model.rows.get("comparisons_refused") for model in trained_models):
        lost = refused_comparisons(
            stage, campaign, decisions.where("source_label IN ('a', 'b') OR label IN ('a', 'b')")
        )
    total, missing = decisions.count(), sum(unread(sizes[mix], models[mix]) for mix in MIXES)
    best = max(models[settings.stage2.mix], key=lambda model: model.validation_accuracy or 0.0)
    address = registered(stage, best)
    return Outcome(
        rows_in=total,
        rows_out=total - sum(lost.values()) - missing,
        quarantined=lost,
        campaign=campaign,
        detail={
            "models": {mix: [noted(model) for model in of_mix] for mix, of_mix in models.items()},
            "sizes": sizes,
            "policy": policy,
            "reused": sum(model.reused for model in trained_models),
            "registered": address,
        },
    )


if __name__ == "__main__":
    submit("train")
