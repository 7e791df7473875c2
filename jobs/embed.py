"""Embed conversation and attributes of the Stage 1 pool, for retrieval."""

from __future__ import annotations

from pyspark.sql import functions as F

from synpref.cli import submit
from synpref.flow import specs
from synpref.flow.answers import Calls, filled
from synpref.flow.gates import inference_table
from synpref.flow.lost import lost_comparisons
from synpref.flow.pool import described_items, stage1_items
from synpref.stage import Outcome, Stage
from synpref.stage1.texts import serialised


def run(stage: Stage) -> Outcome:
    """Embed each distinct text once; nothing to do where nobody judges."""
    campaign = stage.campaign()
    if not stage.settings.judges:
        stage.say("no judge is set: nothing is retrieved, nothing to embed")
        return Outcome(campaign=campaign)
    engines = stage.left_by("attributes", campaign)["engines"]
    if engines:
        inference_table(stage, "attributes", engines)
    texts = serialised(described_items(stage, stage1_items(stage, campaign), engines)).cache()
    calls, rows = Calls(), texts.count()
    distinct = texts.select("text_id", "text").dropDuplicates(["text_id"])
    done = filled(stage, calls, "embeddings", distinct, specs.embedder(stage.settings))
    calls.add(0, rows - done.rows_in)  # comparisons that share a text
    wanted = texts.select("comparison_id", F.col("text_id").alias("key"), F.lit(done.engine_id).alias("engine_id"))
    lost = lost_comparisons(stage, "embeddings", wanted) if calls.quarantined else {}
    return calls.outcome(campaign, rows, quarantined=lost, engine_id=done.engine_id, texts=done.rows_in)


if __name__ == "__main__":
    submit("embed")
