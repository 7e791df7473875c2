"""Stage 2's decisions against known truth, and judges against gold."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.analysis.blocks import with_blocks
from synpref.analysis.judges import judge_block, judge_interval, judge_sums, repairs_of
from synpref.analysis.label_figures import breakdown_row, label_intervals, labels_block
from synpref.analysis.labels import label_sums, left_out_counts, measured_labels
from synpref.analysis.length import with_length_decision
from synpref.engines.passed import Repairs
from synpref.flow.pool import source_labels
from synpref.flow.truth import known_truth
from synpref.stage import Stage

MAX_GROUPS = 50  # topics shown; a pool with a group a prompt has no topics


def decisions_of(stage: Stage, campaign: str, policy: str) -> DataFrame:
    """The decisions of one policy."""
    table = stage.warehouse.read("decisions")
    return table.where((F.col("campaign") == campaign) & (F.col("policy") == policy))


def measured(stage: Stage, campaign: str, policy: str) -> dict[str, Any]:
    """labels, intervals, by_source, by_group, left_out of the summary and its page; labels None without truth."""
    if stage.settings.truth == "none":
        return {"labels": None, "intervals": {}, "by_source": [], "by_group": [], "left_out": {}}
    read = stage.warehouse.read
    labels = source_labels(stage, campaign)
    decided = decisions_of(stage, campaign, policy)
    rows = measured_labels(decided, known_truth(stage), labels, read("comparisons"), read("responses")).cache()
    known = rows.where("left_out IS NULL")
    ranked = with_blocks(with_length_decision(known)).cache()
    whole = label_sums(ranked).first()
    blocks = [row.asDict() for row in label_sums(ranked, ["block"]).collect()]  # at most some thousand blocks
    found = {
        "labels": labels_block(whole.asDict()) if whole and whole["pool_rows"] else None,
        "intervals": {name: one.as_dict() for name, one in label_intervals(blocks, seed=stage.settings.seed).items()},
        "by_source": _breakdown(known, "source"),
        "by_group": _breakdown(known, "group"),
        "left_out": left_out_counts(rows),
    }
    rows.unpersist()
    ranked.unpersist()
    return found


def judges_measured(stage: Stage, campaign: str, notes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The summary's judges, and the intervals of their agreement with gold-validation.

    notes: of every judge, as Stage 1 left them (stage1.admission.Admission, simulated, engine_id).
    """
    if not notes:
        return {}, {}
    warehouse = stage.warehouse
    asked = {note["engine_id"]: name for name, note in notes.items() if note["engine_id"]}
    verdicts = warehouse.read("verdicts").where(F.col("engine_id").isin(list(asked)))
    # of this campaign's comparisons, canaries are none: both sides can be large, joined on the key
    verdicts = verdicts.join(source_labels(stage, campaign), "comparison_id", "left_semi")
    sums = {row["engine_id"]: row.asDict() for row in judge_sums(verdicts).collect()}  # one row a judge
    repairs = _repairs(stage, campaign)
    blocks, intervals = {}, {}
    for name, note in notes.items():
        own = sums.get(note["engine_id"])
        if own is None:
            own = dict.fromkeys(("verdicts_a", "verdicts_b", "verdicts_no_preference", "verdicts_unparsed"), 0)
            own |= dict.fromkeys(("ordered", "changed"), 0)
        right, asked_of = note["right"], note["asked"]
        blocks[name] = judge_block(
            own,
            right=right,
            asked=asked_of,
            simulated=note["simulated"],
            admitted=note["admitted"],
            repairs=repairs.get(name, Repairs()),
        )
        if asked_of:
            intervals[f"judges.{name}.gold_agreement"] = judge_interval(right, asked_of, stage.settings.admission.z)
    return blocks, intervals


def _repairs(stage: Stage, campaign: str) -> dict[str, Repairs]:
    """By judge, over all runs of the campaign's stages that ask judges: an answer is asked for in one of them."""
    of_judges = (F.col("campaign") == campaign) & F.col("stage").isin("stage1", "stage2")
    runs = stage.warehouse.read("stage_runs").where(of_judges).select("detail").collect()  # one row a run
    return repairs_of(json.loads(row["detail"]) for row in runs)


def _breakdown(known: DataFrame, column: str) -> list[dict[str, Any]]:
    values = known.select(column).distinct().limit(MAX_GROUPS + 1).count()
    if values > MAX_GROUPS:
        return []
    sums = label_sums(with_length_decision(known, [column]), [column]).orderBy(column)
    return [{"name": row[column]} | breakdown_row(row.asDict()) for row in sums.collect()]  # at most MAX_GROUPS rows
