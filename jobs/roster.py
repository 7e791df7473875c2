"""The judges of the settings: examined, and only the admitted ones asked further."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.engines.canaries import CANARIES
from synpref.jobs.answers import Calls, roster_judge
from synpref.stage import Stage
from synpref.stage1.admission import AdmissionRule
from synpref.stage1.items import ATTRIBUTES
from synpref.stage1.roster import RosterJudge, examine

_CANARIES = (
    "comparison_id string, messages array<struct<role: string, content: string>>, text_a string, text_b string, "
    "label string"
)


def examined(stage: Stage, calls: Calls, items: DataFrame) -> tuple[list[RosterJudge], dict[str, Any]]:
    """The admitted judges, and what is noted of every judge. items: gold-validation with shots and human label."""
    settings = stage.settings
    rule = AdmissionRule(settings.admission.min_agreement, settings.admission.min_comparisons, settings.admission.z)
    admitted, notes = [], {}
    for one in settings.judges:
        judge = roster_judge(stage, calls, one, _canaries(stage))
        found = examine(
            judge, items, rule, settings.admission.first_batch, settings.admission.max_comparisons, settings.seed
        )
        stage.say(f"judge {one.name}: {'admitted' if found.admitted else 'refused'}; {found.reason}")
        simulated = one.kind == "simulated"
        notes[one.name] = {**asdict(found), "simulated": simulated, "engine_id": calls.judges.get(one.name)}
        if found.admitted:
            admitted.append(judge)
    return admitted, notes


def by_name(stage: Stage, calls: Calls, names: list[str]) -> list[RosterJudge]:
    """Judges that Stage 1 admitted."""
    return [roster_judge(stage, calls, one, _canaries(stage)) for one in stage.settings.judges if one.name in names]


def _canaries(stage: Stage) -> DataFrame:
    rows = [
        (f"canary-{number}", list(one.item.messages), one.item.response_a, one.item.response_b, one.label)
        for number, one in enumerate(CANARIES)
    ]
    frame = stage.warehouse.spark.createDataFrame(rows, _CANARIES)
    return frame.withColumn("attributes", F.lit(None).cast(ATTRIBUTES))
