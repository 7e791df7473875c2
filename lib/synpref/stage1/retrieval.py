"""Error-driven adaptive retrieval: which pool comparisons judges label next (paper.md §2.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from synpref.reward.preference import preference_column
from synpref.stage1.allocation import Candidate, Taken, allocate, per_prompt
from synpref.stage1.nearest import Vectors, nearest_gold, nearest_pool
from synpref.stage1.retrieval_count import retrieval_count

DEPTH = 8  # candidates looked at for each neighbour that a query may take
_TAKEN = "query string, retrieved string, similarity double, rank int"


def human_probabilities(gold: DataFrame, rewards: DataFrame) -> DataFrame:
    """(comparison_id, p): the model's probability of the human's label.

    gold: comparison_id, response_a, response_b, label (a or b). rewards: response_id, reward, of one model.
    """
    for side in ("a", "b"):
        of_side = rewards.select(F.col("response_id").alias(f"response_{side}"), F.col("reward").alias(side))
        gold = gold.join(of_side, f"response_{side}")  # gold is the small side
    p_a = preference_column(F.col("a"), F.col("b"))
    return gold.select("comparison_id", F.when(F.col("label") == "a", p_a).otherwise(1 - p_a).alias("p"))


def allowed_by(probabilities: Mapping[str, float], k_max: int) -> dict[str, int]:
    """Gold comparison to k(p)."""
    return {query: retrieval_count(p, k_max) for query, p in probabilities.items()}


def adaptive(
    pool: DataFrame, gold: Vectors, allowed: Mapping[str, int], *, k_max: int, max_per_prompt: int, limit: int | None
) -> DataFrame:
    """(query, retrieved, similarity, rank) of what each gold comparison pulls from the pool, nothing twice.

    pool: comparison_id, prompt_id, vector. Candidates stream through the driver; what is taken stays, at most
    k_max for each gold comparison.
    """
    prompts = pool.select("prompt_id").distinct().limit(k_max).count()
    of_one_prompt = per_prompt(max_per_prompt, k_max, prompts)
    # other queries may have taken a prompt's best already: some more of each stand ready
    found = nearest_pool(pool, gold, DEPTH * k_max, DEPTH * of_one_prompt)
    ordered = found.orderBy(F.desc("similarity"), "retrieved", "query")
    taken: list[Taken] = list(allocate(_stream(ordered), allowed, of_one_prompt, limit))
    return pool.sparkSession.createDataFrame([tuple(one) for one in taken], _TAKEN)


def few_shots(targets: DataFrame, gold: Vectors, k: int) -> DataFrame:
    """(query, retrieved, similarity, rank): for each target its k most similar gold comparisons of other groups."""
    best = Window.partitionBy("query").orderBy(F.desc("similarity"), "retrieved")
    return nearest_gold(targets, gold, k).withColumn("rank", F.row_number().over(best))


def retrieval_rows(
    found: DataFrame, campaign: str, iteration: int, purpose: str, queries: DataFrame | None = None
) -> DataFrame:
    """Rows of the table retrievals. queries: (query, p, k) of an adaptive retrieval."""
    if queries is None:
        found = found.withColumns({"p": F.lit(None).cast("double"), "k": F.lit(None).cast("int")})
    else:
        found = found.join(F.broadcast(queries), "query")  # queries are gold: the small side
    return found.select(
        F.lit(campaign).alias("campaign"), F.lit(iteration).cast("int").alias("iteration"),
        F.lit(purpose).alias("purpose"), "query", "retrieved", "similarity", "rank", "p", "k",
    )  # fmt: skip


def _stream(ordered: DataFrame) -> Iterator[Candidate]:
    for row in ordered.select("query", "retrieved", "prompt_id", "similarity").toLocalIterator():
        yield Candidate(row["query"], row["retrieved"], row["prompt_id"], row["similarity"])
