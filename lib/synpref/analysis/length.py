"""What length alone would have done: the baseline beside every figure (design.md "Claims carry their baseline")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import Column, Window
from pyspark.sql import functions as sf

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_BUCKETS_PER_UNIT = 64  # natural-log units; texts differ by less than ten of them


def log_length_ratio(preferred: Column, other: Column) -> Column:
    """Log of the characters of one text over those of the other; an empty text counts as one character."""
    return sf.log(sf.greatest(preferred, sf.lit(1))) - sf.log(sf.greatest(other, sf.lit(1)))


def with_length_decision(rows: DataFrame, within: Sequence[str] = ()) -> DataFrame:
    """Add length_decision: keep, flip or drop as the length baseline of equal counts.

    In: comparison_id, support (log length ratio of the source-preferred response over the other), decision. Comparisons
    are ranked by support, ties by comparison_id: as many as were kept, from the top, are kept; as many as were flipped,
    from the bottom, are flipped. `within`: columns inside whose values ranks and counts are taken (a topic); none for
    the whole. Ranks are taken inside buckets of support and offset by what lies above, so that no task sorts all rows.
    """
    bucketed = rows.withColumn("bucket", sf.floor(sf.col("support") * _BUCKETS_PER_UNIT).cast("int"))
    offsets = _offsets(bucketed, within)
    place = Window.partitionBy(*within, "bucket").orderBy(sf.desc("support"), "comparison_id")
    # some thousand rows a value of `within`; rows are the large side
    ranked = bucketed.join(offsets, [*within, "bucket"])
    ranked = ranked.withColumn("rank", sf.row_number().over(place) + sf.col("above"))
    choice = sf.when(sf.col("rank") <= sf.col("kept"), "keep").when(
        sf.col("rank") > sf.col("total") - sf.col("flipped"), "flip"
    )
    return ranked.withColumn("length_decision", choice.otherwise("drop")).drop(
        "bucket", "above", "rank", "total", "kept", "flipped"
    )


def _offsets(bucketed: DataFrame, within: Sequence[str]) -> DataFrame:
    sizes = bucketed.groupBy(*within, "bucket").agg(
        sf.count("*").alias("size"),
        sf.count(sf.when(sf.col("decision") == "keep", 1)).alias("keeps"),
        sf.count(sf.when(sf.col("decision") == "flip", 1)).alias("flips"),
    )
    whole = Window.partitionBy(*within)
    earlier = whole.orderBy(sf.desc("bucket")).rowsBetween(Window.unboundedPreceding, -1)
    return sizes.select(
        *within,
        "bucket",
        sf.coalesce(sf.sum("size").over(earlier), sf.lit(0)).alias("above"),
        sf.sum("size").over(whole).alias("total"),
        sf.sum("keeps").over(whole).alias("kept"),
        sf.sum("flips").over(whole).alias("flipped"),
    )


def length_sums(tested: DataFrame, responses: DataFrame) -> DataFrame:
    """How often the longer response is the better one: block, rows, right (equal lengths count half).

    tested: comparison_id, block, response_a, response_b, winner (a or b), see `reward_models.comparisons_with_winner`.
    """
    lengths = responses.select("response_id", "characters")
    # both sides of both joins are large
    both = tested.join(lengths.toDF("response_a", "characters_a"), "response_a")
    both = both.join(lengths.toDF("response_b", "characters_b"), "response_b")
    longer = sf.sign(sf.col("characters_a") - sf.col("characters_b"))
    right = (1 + longer * sf.when(sf.col("winner") == "a", 1).otherwise(-1)) / 2
    return both.groupBy("block").agg(sf.count("*").alias("rows"), sf.sum(right).alias("right"))
