"""Write summary.json and report.html of the campaign, and print the summary."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import Row, Window
from pyspark.sql import functions as F

from synpref.cli import STAGES, submit
from synpref.code_version import git_commit
from synpref.config import inputs_hash, settings_hash
from synpref.engines.device import device_facts
from synpref.flow.measure import decisions_of, judges_measured, measured
from synpref.flow.policies import of_other_policies
from synpref.flow.samples import curated_samples, refused_samples
from synpref.inference.record import known_engines
from synpref.memory import PeakMemory, peak_memory
from synpref.quality.result import outcome_counts
from synpref.record import versions
from synpref.report.console import summary_text
from synpref.report.html import write_page
from synpref.report.notes import models_caption, run_notes
from synpref.report.page import Details
from synpref.report.summary import build_summary
from synpref.reward.model_folder import read_model
from synpref.stage import Outcome, Stage

BINS = 20
NOT_MEASURED: dict[str, Any] = {"reward_models": {}, "intervals": {}, "per_seed": {}, "winners_of": "none"}
COUNTS = (
    "stage", "rows_in", "rows_out", "duplicates", "quarantined", "seconds", "engine_calls", "engine_calls_saved",
)  # fmt: skip


def run(stage: Stage) -> Outcome:
    """Everything here is read from tables; nothing is computed again.

    What belongs to another policy than Stage 2's last is left out, and noted.
    """
    campaign = stage.campaign()
    stage1, stage2 = stage.left_by("stage1", campaign), stage.left_by("stage2", campaign)
    trained, evaluated = stage.left_by("train", campaign), stage.left_by("evaluate", campaign)
    policy, others = stage2["policy"], of_other_policies(stage, campaign, ("train", "evaluate"))
    final = {} if "train" in others else trained["models"]
    if "evaluate" in others:
        evaluated = NOT_MEASURED
    epochs = next((read_model(stage.model_folder(of_mix[0])).plan.epochs for of_mix in final.values()), None)
    runs = [row for row in _latest_runs(stage, campaign) if row["stage"] not in others]
    decisions, labels = _decisions(stage, campaign, policy), measured(stage, campaign, policy)
    judges, judge_intervals = judges_measured(stage, campaign, stage1["judges"])
    summary = build_summary(
        campaign=campaign,
        settings_hash=settings_hash(stage.settings),
        git=git_commit(),
        versions=versions(),
        device=_device(stage, campaign),
        seconds=_seconds(stage, runs),
        peak_memory_gb=_peak_memory(runs),
        stages=[{name: row[name] for name in COUNTS} | _of_engines(row) for row in runs],
        decisions=decisions,
        labels=labels["labels"],
        judges=judges,
        reward_models=evaluated["reward_models"],
        intervals={**labels["intervals"], **judge_intervals, **evaluated["intervals"]},
        gate=outcome_counts(
            stage.warehouse.read("quality_results"),
            [json.loads(row["detail"]).get("stands_since", row["run_id"]) for row in runs],
        ),
    )
    (stage.folder / "summary.json").write_text(
        json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    details = Details(
        title=f"synpref: {Path(stage.settings.run.dir).name}",
        models_caption=models_caption(
            evaluated["winners_of"], max(map(len, evaluated["per_seed"].values()), default=1), epochs
        ),
        notes=_notes(stage, stage1, policy, others, epochs),
        by_source=labels["by_source"],
        by_group=labels["by_group"],
        left_out=labels["left_out"],
        decisions=decisions,
        probabilities=_probabilities(stage, campaign, policy),
        curves=_curves(stage, stage1, final),
        iterations=_iterations(stage1),
        per_seed=evaluated["per_seed"],
        benchmarks=evaluated.get("benchmarks", {}),
        curated=curated_samples(stage, campaign, policy),
        refused=refused_samples(stage, campaign, policy),
    )
    write_page(stage.folder / "report.html", summary, details)
    print(summary_text(summary, details.notes))
    print(f"report: {stage.folder / 'report.html'}\nsummary: {stage.folder / 'summary.json'}")
    return Outcome(campaign=campaign)


def _latest_runs(stage: Stage, campaign: str) -> list[Row]:
    """The last run of each stage before this one for this campaign, in the order of the stages."""
    inputs = F.get_json_object("detail", "$.inputs_hash") == inputs_hash(stage.settings)
    ingested = F.col("campaign").isNull() & (F.col("stage") == "ingest") & inputs
    latest = Window.partitionBy("stage").orderBy(F.desc("started"))
    table = stage.warehouse.read("stage_runs").where((F.col("campaign") == campaign) | ingested)
    rows = table.withColumn("_age", F.row_number().over(latest)).where("_age = 1").collect()  # one row a stage
    order = {name: position for position, name in enumerate(STAGES) if name != stage.name}
    return sorted((row for row in rows if row["stage"] in order), key=lambda row: order[row["stage"]])


def _of_engines(row: Row) -> dict[str, Any]:
    """What engines refused by reason, cut, and answered with attributes or otherwise, in a row of stage_runs."""
    detail = json.loads(row["detail"])
    told = {"refused": detail.get("refused") or {}, "cut": detail.get("cut") or 0}
    return {**told, "answers": detail.get("answers") or {}}  # runs of earlier versions tell none


def _seconds(stage: Stage, runs: list[Row]) -> float:
    """Since the command began where it ran all stages; else of the stages, each when it last ran."""
    if all(row["run_id"] == stage.run_id for row in runs):
        return (datetime.now(UTC) - stage.began).total_seconds()
    return float(sum(row["seconds"] for row in runs))


def _device(stage: Stage, campaign: str) -> dict[str, Any]:
    """The processor at hand and the number format in which Stage 2's gold model scored."""
    facts = device_facts()
    engine = known_engines(stage.warehouse).get(stage.left_by("score", campaign)["gold_engine"])
    return {"name": facts.name, "features": list(facts.features), "dtype": engine["dtype"] if engine else None}


def _peak_memory(runs: list[Row]) -> dict[str, float | None]:
    peak = peak_memory()
    for row in runs:
        noted = json.loads(row["detail"])["peak_memory_gb"]
        peak = peak.highest(PeakMemory(noted["driver"], noted["worker"]))
    return {"driver": peak.driver, "worker": peak.worker}


def _notes(
    stage: Stage, stage1: dict[str, Any], policy: str, others: dict[str, str], epochs: float | None
) -> list[str]:
    settings = stage.settings
    described = settings.attributes if settings.judges else []
    return run_notes(
        provider=settings.humans.provider,
        error_rate=settings.humans.error_rate,
        share=settings.humans.share,
        judges=stage1["judges"],
        simulated_attributes=[engine.name for engine in described if engine.kind == "simulated"],
        cross_fitted=len(stage1["best"]) > 1,
        policy=policy,
        of_other_policies=others,
        epochs=epochs,
    )


def _decisions(stage: Stage, campaign: str, policy: str) -> list[dict[str, Any]]:
    counts = decisions_of(stage, campaign, policy).groupBy("decision", "reason").agg(F.count("*").alias("rows"))
    return [row.asDict() for row in counts.orderBy("decision", "reason").collect()]  # a dozen reasons


def _probabilities(stage: Stage, campaign: str, policy: str) -> dict[str, list[int]]:
    """Histograms of the probability of the source's label, by reward model."""
    wild = decisions_of(stage, campaign, policy).where("role = 'wild' AND source_label IN ('a', 'b')")
    found = {}
    for name in ("gold", "best"):
        p = F.col(f"p_{name}")
        of_source = F.when(F.col("source_label") == "a", p).otherwise(1 - p)
        place = F.least(F.floor(of_source * BINS), F.lit(BINS - 1)).cast("int").alias("bin")
        counts = {row["bin"]: row["count"] for row in wild.select(place).groupBy("bin").count().collect()}  # BINS rows
        found[name] = [counts.get(number, 0) for number in range(BINS)]
    return found


def _curves(stage: Stage, stage1: dict[str, Any], final: dict[str, Any]) -> list[dict[str, Any]]:
    noted = [stage1["gold"], *stage1["best"], *[of_mix[0] for of_mix in final.values()]]
    return [
        {
            "model": one["name"],
            "step": point["step"],
            "loss": point["loss"],
            "accuracy": point["validation_accuracy"],
        }
        for one in noted
        for point in read_model(stage.model_folder(one)).history
    ]


def _iterations(stage1: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "iteration": number,
            "accuracy": one["validation_accuracy"],
            "silver": one["comparisons"],
            "gold": stage1["gold"]["comparisons"],
        }
        for number, one in enumerate(stage1["silver_models"], start=1)
    ]


if __name__ == "__main__":
    submit("report")
