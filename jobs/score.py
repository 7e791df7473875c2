"""Score every response of the wild pool with the gold and the best reward model."""

from __future__ import annotations

from typing import Any

from pyspark.sql import functions as F

from synpref.cli import submit
from synpref.flow import specs
from synpref.flow.answers import Calls, scored
from synpref.flow.lost import lost_comparisons, responses_for
from synpref.flow.models import refuse_weak
from synpref.flow.scored_models import models_scored
from synpref.stage import Outcome, Stage
from synpref.stage1.roles import current_roles


def run(stage: Stage) -> Outcome:
    """Fill rewards for wild; a cross-fitted model scores only the half that it did not train on."""
    campaign, calls = stage.campaign(), Calls()
    left = stage.left_by("stage1", campaign)
    gold, best = left["gold"], left["best"]
    refuse_weak(stage, [gold, *best])
    wild = current_roles(stage.warehouse.read("roles"), campaign).where("role = 'wild'").cache()
    rows = wild.count()
    stage.say(f"{rows} comparisons of wild")
    gold_engine = scored(
        stage, calls, wild, specs.campaign_scorer(stage.settings, "gold", str(stage.model_folder(gold)))
    )
    asked = responses_for(stage, wild, gold_engine)
    best_engines: list[dict[str, Any]] = []
    for model in best:
        of_fold = wild.where(F.col("fold").eqNullSafe(F.lit(model["fold"])))
        spec = specs.campaign_scorer(stage.settings, model["name"], str(stage.model_folder(model)))
        engine = scored(stage, calls, of_fold, spec)
        best_engines.append({"fold": model["fold"], "engine_id": engine})
        asked = asked.unionByName(responses_for(stage, of_fold, engine))
    lost = lost_comparisons(stage, "rewards", asked) if calls.quarantined else {}
    wild.unpersist()
    return calls.outcome(
        campaign,
        rows,
        quarantined=lost,
        gold_engine=gold_engine,
        best_engines=best_engines,
        models=models_scored(left),
    )


if __name__ == "__main__":
    submit("score")
