"""The judges of the settings: examined, and only the admitted ones asked further."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.engines.canaries import CANARIES
from synpref.engines.prompt_window import PromptWindow
from synpref.engines.rationale import INSTRUCTION
from synpref.flow.answers import Calls, ask_judges
from synpref.flow.gates import inference_table
from synpref.settings import Judge
from synpref.stage import Stage
from synpref.stage1.admission import AdmissionRule
from synpref.stage1.items import ATTRIBUTES
from synpref.stage1.roster import Ask, Examination, RosterJudge, examine, judged

_CANARIES = (
    "comparison_id string, messages array<struct<role: string, content: string>>, text_a string, text_b string, "
    "label string"
)


def examined(stage: Stage, calls: Calls, items: DataFrame) -> tuple[list[RosterJudge], dict[str, Any]]:
    """The admitted judges, and what is noted of every judge. items: gold-validation with shots and human label.

    What the judges said is held to the contract of verdicts before any of them is admitted.
    """
    admission = stage.settings.admission
    how = Examination(
        rule=AdmissionRule(admission.min_agreement, admission.min_comparisons, admission.z),
        first_batch=admission.first_batch,
        max_comparisons=admission.max_comparisons,
        seed=stage.settings.seed,
        canaries=_canaries(stage),
    )
    roster = by_name(stage, [one.name for one in stage.settings.judges])
    for judge in roster:
        if judge.window and judge.few_shots:
            judge.window.measure()  # a folder without a template is refused here, not by a worker
    found = examine(roster, items, asking(stage, calls), how)
    if calls.judges:  # what they said decides who is admitted, whoever is
        inference_table(stage, "verdicts", list(calls.judges.values()))
    for name, admission_of in found.items():
        stage.say(f"judge {name}: {'admitted' if admission_of.admitted else 'refused'}; {admission_of.reason}")
    notes = {
        one.name: {
            **asdict(found[one.name]),
            "simulated": one.kind == "simulated",
            "engine_id": calls.judges.get(one.name),
        }
        for one in stage.settings.judges
    }
    return [judge for judge in roster if found[judge.name].admitted], notes


@contextmanager
def voted(stage: Stage, calls: Calls, items: DataFrame, judges: Sequence[RosterJudge]) -> Iterator[DataFrame]:
    """Labels by vote of these judges for items with shots: stage1.roster.judged.

    What the judges said is held to the contract of verdicts before a label is made of it.
    """
    with judged(items, judges, asking(stage, calls)) as votes:
        inference_table(stage, "verdicts", [calls.judges[judge.name] for judge in judges])
        yield votes


def by_name(stage: Stage, names: Sequence[str]) -> list[RosterJudge]:
    """Judges of the settings as Stage 1 sees them."""
    return [_roster_judge(stage, one) for one in stage.settings.judges if one.name in names]


def asking(stage: Stage, calls: Calls) -> Ask:
    """How this stage asks judges."""

    def ask(requests: DataFrame, judges: Sequence[RosterJudge]) -> DataFrame:
        return ask_judges(stage, calls, requests, [judge.name for judge in judges])

    return ask


def _roster_judge(stage: Stage, judge: Judge) -> RosterJudge:
    few_shots = stage.settings.stage1.few_shots if judge.few_shots is None else judge.few_shots
    if judge.kind == "simulated":  # it has no answer for what it has no truth
        return RosterJudge(judge.name, judge.samples, few_shots, canaries=False)
    if judge.kind == "replay":  # its records know no canaries, and the prompts that it saw were others
        return RosterJudge(judge.name, judge.samples, 0, canaries=False)
    if judge.kind == "http" or judge.model is None:  # the server alone knows how long a prompt is for it
        return RosterJudge(judge.name, judge.samples, few_shots)
    further = INSTRUCTION if judge.rationale else ""
    return RosterJudge(
        judge.name, judge.samples, few_shots, window=PromptWindow(judge.model, judge.max_tokens, further)
    )


def _canaries(stage: Stage) -> DataFrame:
    rows = [
        (f"canary-{number}", list(one.item.messages), one.item.response_a, one.item.response_b, one.label)
        for number, one in enumerate(CANARIES)
    ]
    frame = stage.warehouse.spark.createDataFrame(rows, _CANARIES)
    return frame.withColumn("attributes", F.lit(None).cast(ATTRIBUTES))
