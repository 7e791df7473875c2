"""Training data as files: what a trainer reads without Spark."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.store.snapshot import export_parquet


def export_pairs(
    winners: DataFrame, comparisons: DataFrame, prompts: DataFrame, responses: DataFrame, folder: Path
) -> None:
    """Write folder/comparisons (ids, oriented) and folder/responses (each distinct response once, with its prompt).

    winners: comparison_id, winner (a or b). A folder that is complete already is left as it is.
    """
    if (folder / "complete").exists():
        return
    a_wins = F.col("winner") == "a"
    # large with large on ids
    pairs = winners.join(comparisons, "comparison_id").select(
        "comparison_id",
        "prompt_id",
        F.when(a_wins, F.col("response_a")).otherwise(F.col("response_b")).alias("chosen_response_id"),
        F.when(a_wins, F.col("response_b")).otherwise(F.col("response_a")).alias("rejected_response_id"),
    )
    needed = pairs.select(
        F.explode(F.array("chosen_response_id", "rejected_response_id")).alias("response_id")
    ).distinct()
    # large with large: text of the responses that the pairs name
    texts = (
        needed.join(responses.select("response_id", "prompt_id", "text"), "response_id")
        .join(prompts.select("prompt_id", "messages"), "prompt_id")
        .select("response_id", "prompt_id", "messages", "text")
    )
    export_parquet(pairs.orderBy("prompt_id", "comparison_id"), folder / "comparisons")
    export_parquet(texts.orderBy("prompt_id", "response_id"), folder / "responses")
    (folder / "complete").touch()


def snapshot_name(winners: DataFrame) -> str:
    """16 hex digits over the set of (comparison_id, winner): equal sets have equal names, in whatever order."""
    row = (
        winners.select(F.xxhash64("comparison_id", "winner").alias("h"))
        .agg(F.count("*").alias("n"), F.sum(F.col("h").cast("decimal(38,0)")).alias("s"), F.bit_xor("h").alias("x"))
        .first()
    )
    facts = "-" if row is None else f"{row.n}:{row.s}:{row.x}"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]
