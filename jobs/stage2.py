"""Keep, flip or drop each pair by two reward models that must agree; publish the curated table."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.cli import submit
from synpref.flow import gates, specs
from synpref.flow.answers import Calls, described, filled
from synpref.flow.pool import content_of, described_items, embedded_items, source_labels, with_vectors
from synpref.flow.roster import by_name, voted
from synpref.flow.scored_models import check_scored
from synpref.stage import Outcome, Stage
from synpref.stage1.describing import attribute_prompts
from synpref.stage1.label_rows import label_rows, latest_labels
from synpref.stage1.roles import current_roles
from synpref.stage1.shots import shown
from synpref.stage1.texts import serialised
from synpref.stage2 import decisions as decide
from synpref.stage2.curated import curated
from synpref.stage2.policy import policy_id


def run(stage: Stage) -> Outcome:
    """Ask judges where they can change the outcome, decide, check, and publish in one commit."""
    settings, warehouse, campaign, calls = stage.settings, stage.warehouse, stage.campaign(), Calls()
    stage1, scores = stage.left_by("stage1", campaign), stage.left_by("score", campaign)
    check_scored(stage1, scores)
    best = {one["fold"]: one["engine_id"] for one in scores["best_engines"]}
    admitted = [name for name, note in stage1["judges"].items() if note["admitted"]]
    policy = policy_id(
        epsilon=settings.stage2.epsilon,
        mix=settings.stage2.mix,
        gold_engine=scores["gold_engine"],
        best_engines=best,
        roster={name: stage1["judges"][name]["engine_id"] for name in admitted},
    )
    stage.say(f"policy {policy}")
    roles = current_roles(warehouse.read("roles"), campaign).cache()
    engines = [scores["gold_engine"], *best.values()]
    gates.inference_table(stage, "rewards", engines)
    refused = decide.refusals(warehouse.read("quarantine"), engines)
    wild = decide.scored(_wild(stage, campaign, roles), warehouse.read("rewards"), refused, scores["gold_engine"], best)
    opinions = decide.opinions(wild, settings.stage2.epsilon).cache()
    open_rows = decide.to_be_judged(opinions).select("comparison_id")
    iteration = stage1["last_iteration"]
    asked = _judged(stage, calls, campaign, iteration, open_rows, admitted)
    decided = decide.by_gate(opinions, asked).unionByName(decide.by_label(_labelled(stage, campaign, roles, iteration)))
    where: dict[str, str | int] = {"campaign": campaign, "policy": policy}
    stamped = decide.stamped(decided, campaign, policy)
    labels = source_labels(stage, campaign)
    pool = decide.to_be_decided(labels, roles)
    curated_version = _publish(stage, stamped, where, pool, labels, roles)
    own = warehouse.read("decisions").where((F.col("campaign") == campaign) & (F.col("policy") == policy))
    counts = _counts(own)
    stage.say(", ".join(f"{decision} {count}" for decision, count in sorted(counts.items())))
    return calls.outcome(
        campaign,
        pool.count(),
        rows_out=sum(counts.values()),
        policy=policy,
        decisions=counts,
        curated_version=curated_version,
        roster=admitted,
    )


def _publish(
    stage: Stage, decided: DataFrame, where: dict[str, str | int], pool: DataFrame, labels: DataFrame, roles: DataFrame
) -> int:
    """Check decisions and the curated rows that follow, and only then put both in place; the version of curated."""
    warehouse, mix = stage.warehouse, stage.settings.stage2.mix
    with warehouse.prepared("decisions", decided, where, gates.decisions_gate(stage, pool, labels)) as decisions:
        comparisons, prompts, responses = (warehouse.read(name) for name in ("comparisons", "prompts", "responses"))
        rows = curated(decisions, labels, comparisons, prompts, responses, mix)
        taken = decisions.where(F.col("decision").isin(["keep"] if mix == "filtered" else ["keep", "flip"]))
        with warehouse.prepared("curated", rows, where, gates.curated_gate(stage, taken, labels, roles)) as written:
            warehouse.swap("decisions", decisions, where)
            return warehouse.swap("curated", written, where)


def _wild(stage: Stage, campaign: str, roles: DataFrame) -> DataFrame:
    labels = source_labels(stage, campaign).select("comparison_id", F.col("label").alias("source_label"))
    pairs = stage.warehouse.read("comparisons").select("comparison_id", "response_a", "response_b")
    # all three are as large as the pool, joined on the key
    wild = roles.where("role = 'wild'").select("comparison_id", "fold")
    return wild.join(labels, "comparison_id").join(pairs, "comparison_id")


def _judged(
    stage: Stage, calls: Calls, campaign: str, iteration: int, targets: DataFrame, admitted: list[str]
) -> DataFrame:
    """(comparison_id, judge_label) of the targets, null where no verdict makes a label.

    Attributes, embeddings and few-shots are made only now.
    """
    empty = stage.warehouse.spark.createDataFrame([], "comparison_id string, judge_label string")
    if not admitted:
        return empty
    items = content_of(
        stage, targets.join(source_labels(stage, campaign).select("comparison_id", "group"), "comparison_id")
    )
    items = items.cache()
    stage.say(f"{items.count()} comparisons go to the judges {', '.join(admitted)}")
    engines = [
        described(stage, calls, engine, items, attribute_prompts(items, engine.samples))
        for engine in stage.settings.attributes
        if engine.limit is None
    ]
    if engines:
        gates.inference_table(stage, "attributes", engines)
    ready = described_items(stage, items, engines)
    texts = serialised(ready).select("text_id", "text").dropDuplicates(["text_id"])
    embedded = filled(stage, calls, "embeddings", texts, specs.embedder(stage.settings))
    gates.inference_table(stage, "embeddings", [embedded.engine_id], grown=embedded.computed > 0)
    gold = _gold_train(stage, campaign, iteration)
    k = stage.settings.stage1.few_shots
    with_shots = shown(
        stage.warehouse,
        with_vectors(stage, ready, embedded.engine_id),
        gold,
        k=k,
        campaign=campaign,
        iteration=iteration,
    )
    where: dict[str, str | int] = {"campaign": campaign, "iteration": iteration, "origin": "judge"}
    with voted(stage, calls, with_shots, by_name(stage, admitted)) as votes:
        stage.warehouse.replace("labels", label_rows(votes, campaign, iteration, "judge"), where)
    own = (F.col("campaign") == campaign) & (F.col("iteration") == iteration) & (F.col("origin") == "judge")
    given = stage.warehouse.read("labels").where(own).select("comparison_id", F.col("label").alias("judge_label"))
    return targets.join(given, "comparison_id", "left")  # a comparison that no judge answered has no row of labels


def _gold_train(stage: Stage, campaign: str, until: int) -> DataFrame:
    roles = current_roles(stage.warehouse.read("roles"), campaign).where("role = 'gold-train'").select("comparison_id")
    human = latest_labels(stage.warehouse.read("labels"), campaign, "human", until)
    # gold is small beside the pool
    return embedded_items(stage, campaign).join(roles, "comparison_id").join(human, "comparison_id")


def _labelled(stage: Stage, campaign: str, roles: DataFrame, until: int) -> DataFrame:
    """Gold-train and silver with their label: comparison_id, role, source_label, label."""
    source = source_labels(stage, campaign).select("comparison_id", F.col("label").alias("source_label"))
    labels = stage.warehouse.read("labels")
    parts = []
    for role, origin in (("gold-train", "human"), ("silver", "judge")):
        given = latest_labels(labels, campaign, origin, until - 1 if role == "silver" else until)
        of_role = roles.where(F.col("role") == role).select("comparison_id", "role")
        parts.append(of_role.join(given, "comparison_id", "left"))  # gold and silver are small beside the pool
    return parts[0].unionByName(parts[1]).join(source, "comparison_id")


def _counts(decisions: DataFrame) -> dict[str, Any]:
    return {row["decision"]: row["count"] for row in decisions.groupBy("decision").count().collect()}  # three rows


if __name__ == "__main__":
    submit("stage2")
