"""A seeded sample of an input: whole prompts first, then comparisons within each."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from synpref.pairs.columns import hash128_column


def sample_rows(rows: DataFrame, prompts: int | None, comparisons: int | None, seed: int) -> DataFrame:
    """Keep `prompts` prompts and of each `comparisons` comparisons (None: all), chosen by hash of seed and id.

    rows: with prompt_id (null where a row has none) and sample_id, which all rows of one comparison share. All rows
    of a chosen comparison stay, and so does every row without a prompt: a sample hides no broken row.
    """
    if prompts is None and comparisons is None:
        return rows
    ids = rows.select("prompt_id", "sample_id").where(F.col("prompt_id").isNotNull()).distinct()
    if prompts is not None:
        chosen = ids.select("prompt_id").distinct().orderBy(_order(seed, "prompt_id"), "prompt_id").limit(prompts)
        ids = ids.join(chosen, "prompt_id", "left_semi")  # chosen is small: the setting's number of prompts
    if comparisons is not None:
        window = Window.partitionBy("prompt_id").orderBy(_order(seed, "sample_id"), "sample_id")
        ids = ids.withColumn("place", F.row_number().over(window)).where(F.col("place") <= comparisons)
    # ids is small where the sample is: prompts x comparisons rows of two ids
    kept = rows.join(ids.select("sample_id"), "sample_id", "left_semi")
    return kept.unionByName(rows.where(F.col("prompt_id").isNull()))


def _order(seed: int, name: str) -> Column:
    return hash128_column(F.lit(str(seed)), F.col(name))
