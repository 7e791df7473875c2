"""Merge duplicates, refuse prompts of benchmarks, settle one source label for each comparison."""

from __future__ import annotations

from pyspark.sql import functions as F

from synpref.cli import submit
from synpref.flow.gates import before_publishing
from synpref.flow.views import make_views
from synpref.hygiene.benchmark_prompts import read_benchmark_prompts
from synpref.hygiene.clean import clean
from synpref.hygiene.file_gold import file_gold
from synpref.stage import Outcome, Stage
from synpref.stage1.roles import pool_side
from synpref.stage1.sampling import source_gold


def run(stage: Stage) -> Outcome:
    """Replace the campaign's source_labels and hygiene_marks; note what was refused and, if asked, truth and gold."""
    settings, warehouse = stage.settings, stage.warehouse
    ingested, campaign = stage.ingested(), stage.campaign()
    paths = [*settings.hygiene.benchmarks, *ingested["benchmarks"]]
    cleaned = clean(
        warehouse.read("occurrences").where(F.col("file_id").isin(ingested["file_ids"])),
        warehouse.read("files"),
        warehouse.read("comparisons"),
        warehouse.read("prompts"),
        warehouse.read("responses"),
        benchmarks=read_benchmark_prompts(warehouse.spark, paths) if paths else None,
        campaign=campaign,
        source_priority=settings.hygiene.source_priority,
        conflict_policy=settings.hygiene.conflicts,
        duplicates=settings.hygiene.duplicates,
        ngram=settings.hygiene.ngram,
        noise_share=settings.hygiene.noise,
        seed=settings.seed,
    )
    stage.say(f"campaign {campaign}: {cleaned.counts.rows_out} comparisons pass, {cleaned.counts.quarantined} refused")
    check = before_publishing(stage, "source_labels")
    warehouse.publish("source_labels", cleaned.source_labels, {"campaign": campaign}, check)
    warehouse.replace("hygiene_marks", cleaned.marks, {"campaign": campaign})
    if cleaned.counts.quarantined:
        warehouse.insert("quarantine", cleaned.quarantine, unique=True)
    labels = warehouse.read("source_labels").where(F.col("campaign") == campaign)
    if settings.truth == "unflipped":
        known = cleaned.unflipped.where(F.col("winner").isin("a", "b"))
        nothing = {"family": F.lit(None).cast("string"), "difficulty": F.lit(None).cast("double")}
        named = {"campaign": F.lit(campaign), "origin": F.lit("unflipped")}
        warehouse.replace("truth", known.withColumns({**named, **nothing}), {"campaign": campaign})
    if settings.humans.provider == "source":
        in_pool = pool_side(settings.seed, settings.stage1.pool_sources, settings.stage1.pool_share)
        chosen = source_gold(labels, in_pool, settings.humans.share, settings.seed)
        warehouse.insert("human_labels", file_gold(chosen, cleaned.unflipped, campaign), unique=True)
    cleaned.release()
    make_views(stage)
    return Outcome(
        rows_in=cleaned.counts.rows_in,
        rows_out=cleaned.counts.rows_out,
        duplicates=cleaned.counts.duplicates,
        quarantined=cleaned.counts.quarantined,
        detail={"alike": cleaned.counts.alike},
        campaign=campaign,
    )


if __name__ == "__main__":
    submit("hygiene")
