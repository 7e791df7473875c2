"""The published training mix as text, each pair with its provenance."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.pairs.columns import pair_id_column
from synpref.stage2.training_sets import Mix

CURATED_COLUMNS = (
    "campaign", "policy", "pair_id", "comparison_id", "prompt", "chosen", "rejected", "chosen_response_id",
    "rejected_response_id", "source", "decision", "reason", "p_gold", "p_best",
)  # fmt: skip


def curated(
    decisions: DataFrame,
    source_labels: DataFrame,
    comparisons: DataFrame,
    prompts: DataFrame,
    responses: DataFrame,
    mix: Mix,
) -> DataFrame:
    """Rows of the table curated from the decisions of one campaign and policy: kept, and flipped if mixed in."""
    wanted = ["keep"] if mix == "filtered" else ["keep", "flip"]
    texts = responses.select("response_id", "text")
    # every join below is large with large, on ids; text is joined last
    joined = (
        decisions.where(F.col("decision").isin(wanted))
        .join(source_labels.select("comparison_id", "source"), "comparison_id")
        .join(comparisons, "comparison_id")
        .withColumns(
            {
                "chosen_response_id": _of_winner("response_a", "response_b"),
                "rejected_response_id": _of_winner("response_b", "response_a"),
                "p_gold": _of_winner("p_gold", 1 - F.col("p_gold")),
                "p_best": _of_winner("p_best", 1 - F.col("p_best")),
            }
        )
        .join(prompts.select("prompt_id", F.col("messages").alias("prompt")), "prompt_id")
        .join(texts.withColumnsRenamed({"response_id": "chosen_response_id", "text": "chosen"}), "chosen_response_id")
        .join(
            texts.withColumnsRenamed({"response_id": "rejected_response_id", "text": "rejected"}),
            "rejected_response_id",
        )
    )
    pair = pair_id_column(F.col("chosen_response_id"), F.col("rejected_response_id"))
    return joined.withColumn("pair_id", pair).select(*CURATED_COLUMNS)


def _of_winner(if_a: str | Column, if_b: str | Column) -> Column:
    a = F.col(if_a) if isinstance(if_a, str) else if_a
    b = F.col(if_b) if isinstance(if_b, str) else if_b
    return F.when(F.col("label") == "a", a).otherwise(b)
