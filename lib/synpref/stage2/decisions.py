"""Decisions of a campaign: by label for gold-train and silver, by the gate for wild (paper.md §3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.reward.preference import preference_column
from synpref.stage2.gate import NOT_AGREED, by_label_column, gate_column, opinion_column

DECISION_COLUMNS = (
    "campaign", "policy", "comparison_id", "role", "decision", "reason", "source_label", "label", "p_gold", "p_best",
    "gold_engine_id", "best_engine_id", "judge_label",
)  # fmt: skip

UNDECIDED_ROLES = ("held_out", "gold-validation", "gold-test", "discarded")


def to_be_decided(source_labels: DataFrame, roles: DataFrame) -> DataFrame:
    """(comparison_id) of what must be decided: all that hygiene let through but what its role keeps from it.

    source_labels: comparison_id. roles: comparison_id, role. A comparison that never got a role is to be decided, so
    that the gate finds it without a decision.
    """
    kept_out = roles.where(F.col("role").isin(*UNDECIDED_ROLES)).select("comparison_id")
    # both can be as large as the pool, joined on the key
    return source_labels.select("comparison_id").join(kept_out, "comparison_id", "left_anti")


def refusals(quarantine: DataFrame, engine_ids: Sequence[str]) -> DataFrame:
    """(response_id, engine_id) where one of these reward models refused the response, or it was lost on the way to it
    (inference/standing.py).
    """
    key = F.split("row_key", ":")
    told = quarantine.select(F.get(key, F.lit(0)).alias("response_id"), F.get(key, F.lit(1)).alias("engine_id"))
    return told.where(F.col("engine_id").isin(list(engine_ids))).distinct()


def scored(
    wild: DataFrame,
    rewards: DataFrame,
    refused: DataFrame,
    gold_engine: str,
    best_engines: Mapping[int | None, str],
) -> DataFrame:
    """Wild comparisons with p_gold and p_best, the probabilities that response_a wins, and the engines they come from.

    wild: comparison_id, response_a, response_b, fold, source_label. refused: see refusals. best_engines: fold (None:
    not cross-fitted) to the engine that did *not* train on that half. A missing reward gives a null probability;
    refused_gold and refused_best say whether that engine refused one of the responses.
    """
    best = F.lit(None).cast("string")
    for fold, engine in best_engines.items():
        best = F.when(F.col("fold").eqNullSafe(F.lit(fold)), engine).otherwise(best)
    named = wild.withColumns({"gold_engine_id": F.lit(gold_engine), "best_engine_id": best})
    given = rewards.select("response_id", "engine_id", "reward", F.lit(False).alias("refused"))
    # The refused are few, rewards many. A response that one job lost on the way may have been scored by another.
    names = ["response_id", "engine_id"]
    scored_since = rewards.select(*names).join(F.broadcast(refused.select(*names)), names, "left_semi")
    unscored = refused.join(scored_since, names, "left_anti")
    nothing = unscored.withColumns({"reward": F.lit(None).cast("double"), "refused": F.lit(True)})
    for which in ("gold", "best"):
        named = _with_probability(named, given.unionByName(nothing), which)
    return named


def opinions(scored_rows: DataFrame, epsilon: float) -> DataFrame:
    """Adds `gold` and `best`: the opinions of gate.opinion about the source label; null without a source label."""
    label = F.col("source_label")
    return scored_rows.withColumns(
        {
            which: opinion_column(F.col(f"p_{which}"), label, epsilon, F.col(f"refused_{which}"))
            for which in ("gold", "best")
        }
    )


def to_be_judged(opinion_rows: DataFrame) -> DataFrame:
    """The comparisons where judges can change the outcome: the gold RM agrees and the best RM does not."""
    return opinion_rows.where((F.col("gold") == "agrees") & F.col("best").isin(*NOT_AGREED))


def by_gate(opinion_rows: DataFrame, judged: DataFrame) -> DataFrame:
    """Decisions of wild. judged: (comparison_id, judge_label) of those asked, null label without a verdict."""
    # judged is the part of wild that the gate left open; both sides can be large
    joined = opinion_rows.join(judged.withColumn("asked", F.lit(True)), "comparison_id", "left")
    judges = (
        F.when(F.col("judge_label") == F.col("source_label"), "agree")
        .when(F.col("judge_label").isNotNull(), "oppose")
        .when(F.col("asked"), "none")
    )
    decided = joined.withColumn(
        "_decided", gate_column(F.col("gold"), F.col("best"), F.coalesce(judges, F.lit("not asked")))
    )
    other = F.when(F.col("source_label") == "a", "b").otherwise("a")
    label = F.when(F.col("_decided.decision") == "keep", F.col("source_label")).when(
        F.col("_decided.decision") == "flip", other
    )
    return decided.select(
        "comparison_id", F.lit("wild").alias("role"), "_decided.decision", "_decided.reason", "source_label",
        label.alias("label"), "p_gold", "p_best", "gold_engine_id", "best_engine_id", "judge_label",
    )  # fmt: skip


def by_label(labelled: DataFrame) -> DataFrame:
    """Decisions of gold-train and silver. labelled: comparison_id, role, source_label, label (null: none)."""
    decided = labelled.withColumn("_decided", by_label_column(F.col("source_label"), F.col("label")))
    nothing = {name: F.lit(None).cast("double") for name in ("p_gold", "p_best")} | {
        name: F.lit(None).cast("string") for name in ("gold_engine_id", "best_engine_id")
    }
    judge = F.when(F.col("role") == "silver", F.col("label"))
    return decided.withColumns({**nothing, "judge_label": judge}).select(
        "comparison_id", "role", "_decided.decision", "_decided.reason", "source_label", "label", "p_gold", "p_best",
        "gold_engine_id", "best_engine_id", "judge_label",
    )  # fmt: skip


def stamped(decisions: DataFrame, campaign: str, policy: str) -> DataFrame:
    """Rows of the table decisions."""
    return decisions.withColumns({"campaign": F.lit(campaign), "policy": F.lit(policy)}).select(*DECISION_COLUMNS)


def _with_probability(rows: DataFrame, answers: DataFrame, which: str) -> DataFrame:
    engine = f"{which}_engine_id"
    for side in ("a", "b"):
        of_side = answers.select(
            F.col("response_id").alias(f"response_{side}"),
            F.col("engine_id").alias(engine),
            F.col("reward").alias(side),
            F.col("refused").alias(f"refused_{side}"),
        )
        # both sides are large: every wild comparison finds the rewards of its two responses
        rows = rows.join(of_side, [f"response_{side}", engine], "left")
    refused = F.coalesce("refused_a", F.lit(False)) | F.coalesce("refused_b", F.lit(False))
    known = {f"p_{which}": preference_column(F.col("a"), F.col("b")), f"refused_{which}": refused}
    return rows.withColumns(known).drop("a", "b", "refused_a", "refused_b")
