"""Hygiene as a whole: occurrences of a campaign in, one labelled comparison each out, everything accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pyspark.sql import functions as sf

from synpref.hygiene.cleaned import Cleaned, Counts
from synpref.hygiene.collapsing import collapse, members, response_marks
from synpref.hygiene.decontamination import contaminated_prompts
from synpref.hygiene.duplicates import tally
from synpref.hygiene.source_labels import resolved, source_label_rows, unflipped_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from synpref.hygiene.conflicts import ConflictPolicy

DuplicateRule = Literal["exact", "normalised"]
STAGE = "hygiene"


def clean(
    occurrences: DataFrame, files: DataFrame, comparisons: DataFrame, prompts: DataFrame, responses: DataFrame, *,
    benchmarks: DataFrame | None,
    campaign: str, source_priority: Sequence[str], conflict_policy: ConflictPolicy, duplicates: DuplicateRule,
    ngram: int, noise_share: float, seed: int,
) -> Cleaned:  # fmt: skip
    """De-duplicate, settle labels, decontaminate and apply noise, in this order (design.md "The way of a pair").

    occurrences: the campaign's rows; those without comparison_id are ignored (they are quarantined by the reader). The
    other frames are the whole tables. benchmarks: (benchmark, prompt), or None for no decontamination. ngram: words of
    a shared n-gram. noise_share: 0 to 1 of the pool's labels turned. Raises SynprefError where counts do not reconcile.
    """
    content = comparisons.select("comparison_id", "normalised_comparison_id", "prompt_id", "response_a", "response_b")
    # both sides are large
    tallies = tally(occurrences, files, source_priority).join(content, "comparison_id")
    clustered = members(tallies, responses).persist() if duplicates == "normalised" else None
    tallied = tallies.withColumn("alike", sf.lit(False)) if clustered is None else collapse(clustered)
    labelled = resolved(tallied, conflict_policy, noise_share, seed).persist()
    settled = _with_prompts(labelled, prompts, benchmarks, ngram).persist()
    counts = _count(occurrences, settled)
    counts.assert_reconciled()
    labelled.unpersist()
    passed = settled.where("contamination IS NULL")
    return Cleaned(
        source_labels=source_label_rows(passed, campaign),
        marks=_marks(settled, clustered, campaign),
        quarantine=_quarantine(settled, prompts, campaign),
        unflipped=unflipped_rows(passed),
        counts=counts,
        persisted=(settled,) if clustered is None else (settled, clustered),
    )


def _with_prompts(labelled: DataFrame, prompts: DataFrame, benchmarks: DataFrame | None, ngram: int) -> DataFrame:
    """Add group, and contamination, benchmark, overlap for comparisons of the pool whose prompt repeats a benchmark."""
    groups = prompts.select("prompt_id", sf.col("group").alias("prompt_group"))
    # both sides are large
    grouped = labelled.join(groups, "prompt_id").withColumn("group", sf.coalesce("group_set", "prompt_group"))
    if benchmarks is None:
        nothing = {name: sf.lit(None).cast("string") for name in ("contamination", "benchmark", "overlap")}
        return grouped.withColumns(nothing)
    # both sides are large; prompts of other campaigns and of tests alone need no comparing
    compared = prompts.join(labelled.where("use = 'pool'").select("prompt_id"), "prompt_id", "left_semi")
    hits = contaminated_prompts(compared, benchmarks, ngram).withColumn("use", sf.lit("pool"))
    # the hits are the small side
    return grouped.join(hits, ["prompt_id", "use"], "left")


def _count(occurrences: DataFrame, settled: DataFrame) -> Counts:
    # a handful of rows: one a reason code
    found = settled.groupBy("contamination").agg(
        sf.count("*").alias("comparisons"), sf.sum(sf.col("occurrences") - 1).alias("duplicates"),
        sf.count_if("alike").alias("alike"),
    )  # fmt: skip
    rows = found.collect()
    quarantined = {row["contamination"]: row["comparisons"] for row in rows if row["contamination"] is not None}
    return Counts(
        rows_in=occurrences.where("comparison_id IS NOT NULL").count(),
        rows_out=sum(row["comparisons"] for row in rows if row["contamination"] is None),
        duplicates=sum(row["duplicates"] for row in rows),
        quarantined=dict(sorted(quarantined.items())),
        alike=sum(row["alike"] for row in rows if row["contamination"] is None),
    )


def _marks(settled: DataFrame, clustered: DataFrame | None, campaign: str) -> DataFrame:
    repeated = settled.where("contamination IS NOT NULL").select("prompt_id", "contamination", "benchmark").distinct()
    prompts = repeated.select(
        sf.lit("prompt").alias("kind"), sf.col("prompt_id").alias("id"),
        sf.lit(None).cast("string").alias("cluster"), sf.lit(None).cast("boolean").alias("survivor"),
        "contamination", "benchmark",
    )  # fmt: skip
    if clustered is not None:
        prompts = prompts.unionByName(response_marks(clustered), allowMissingColumns=True)
    return prompts.select(sf.lit(campaign).alias("campaign"), "*")


def _quarantine(settled: DataFrame, prompts: DataFrame, campaign: str) -> DataFrame:
    # what is quarantined is the small side
    refused = settled.where("contamination IS NOT NULL").join(prompts.select("prompt_id", "messages"), "prompt_id")
    original = sf.to_json(
        sf.struct(
            "comparison_id", "prompt_id", "response_a", "response_b", "label", "source", "sources", "occurrences",
            sf.col("messages").alias("prompt"),
        )
    )  # fmt: skip
    return refused.select(
        sf.lit(campaign).alias("campaign"),
        sf.lit(STAGE).alias("stage"),
        sf.col("comparison_id").alias("row_key"),
        sf.col("contamination").alias("reason"),
        sf.concat(sf.lit("shared with benchmark "), "benchmark", sf.lit(": "), "overlap").alias("detail"),
        original.alias("original"),
    )
