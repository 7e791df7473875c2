"""Normalised duplicates: comparisons that differ only in case, white space or punctuation collapse into one."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as sf

from synpref.hygiene.conflicts import LABELS, counted_column

_SWAPPED = {"a": "b", "b": "a", "tie": "tie", "none": "none"}


def members(tallies: DataFrame, responses: DataFrame) -> DataFrame:
    """Give every tallied comparison (see `tally`, with the columns of comparisons) its cluster and its leader.

    Adds normalised_a, normalised_b (normalised_response_id of the two), alike (whether they are equal), cluster,
    cluster_size, leader (comparison_id of the cluster's smallest primary occurrence) and swapped (true where response_a
    answers the leader's response_b). cluster is normalised_comparison_id; a comparison that is alike is a cluster of
    its own, since its orientation would be lost.
    """
    ids = responses.select("response_id", "normalised_response_id")
    a = ids.toDF("response_a", "normalised_a")
    b = ids.toDF("response_b", "normalised_b")
    # both sides of both joins are large
    both = tallies.join(a, "response_a").join(b, "response_b")
    alike = sf.col("normalised_a") == sf.col("normalised_b")
    ascending = sf.col("normalised_a") < sf.col("normalised_b")
    whole = Window.partitionBy("cluster")
    leader = sf.min(sf.struct("primary", "ascending")).over(whole)
    cluster = sf.when(alike, sf.col("comparison_id")).otherwise(sf.col("normalised_comparison_id"))
    return (
        both.withColumn("alike", alike)
        .withColumn("cluster", cluster)
        .withColumn("ascending", ascending)
        .withColumn("first", leader)
        .withColumn("cluster_size", sf.count("*").over(whole))
        .withColumn("leader", sf.col("first.primary.comparison_id"))
        .withColumn("swapped", sf.col("ascending") != sf.col("first.ascending"))
        .drop("first", "ascending")
    )


def collapse(clustered: DataFrame) -> DataFrame:
    """Add the votes of each cluster's members to its leader, re-oriented to the leader's canonical order.

    In: what `members` gives. Out: the columns of a tally, where members for tests vote alone if there are any, and the
    group is the leader's, else the smallest of the others'; alike; prompt_id, response_a and response_b of the leader.
    """
    first = sf.struct("primary", "prompt_id", "response_a", "response_b")
    group = sf.min(sf.struct("primary", "group"))["group"]
    summed = clustered.groupBy("cluster").agg(
        sf.min(first).alias("first"),
        sf.coalesce(group, sf.min("group")).alias("group"),
        sf.sum("occurrences").alias("occurrences"),
        sf.array_sort(sf.array_distinct(sf.flatten(sf.collect_list("sources")))).alias("sources"),
        sf.max("test").alias("test"),
        sf.max("alike").alias("alike"),
        *(
            counted_column(sf.sum, _oriented(stem, label), sf.col("test")).alias(f"{stem}_{label}")
            for stem in ("votes", "margin_sum", "margin_rows")
            for label in LABELS
        ),
    )
    return summed.select(sf.col("first.primary.comparison_id").alias("comparison_id"), "first.*", "*").drop(
        "first", "cluster"
    )


def _oriented(stem: str, label: str) -> Column:
    return sf.when(sf.col("swapped"), sf.col(f"{stem}_{_SWAPPED[label]}")).otherwise(sf.col(f"{stem}_{label}"))


def response_marks(clustered: DataFrame) -> DataFrame:
    """Responses that stand in collapsed comparisons beside an equal one: kind, id, cluster, survivor.

    cluster is the normalised_response_id; survivor is true where the response stands in a leader.
    """
    survives = sf.col("leader") == sf.col("comparison_id")
    either = sf.explode(
        sf.array(
            sf.struct(sf.col("response_a").alias("id"), sf.col("normalised_a").alias("cluster")),
            sf.struct(sf.col("response_b").alias("id"), sf.col("normalised_b").alias("cluster")),
        )
    )
    seen = clustered.where("cluster_size > 1").select(either.alias("one"), survives.alias("survivor"))
    single = seen.groupBy("one.id", "one.cluster").agg(sf.max("survivor").alias("survivor"))
    alike = sf.count("*").over(Window.partitionBy("cluster"))
    return single.withColumn("alike", alike).where("alike > 1").select(
        sf.lit("response").alias("kind"), "id", "cluster", "survivor"
    )  # fmt: skip
