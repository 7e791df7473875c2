"""Describe each comparison of the Stage 1 pool: task, objectivity, controversy, criteria."""

from __future__ import annotations

from synpref.cli import submit
from synpref.flow.answers import Calls, described
from synpref.flow.lost import undescribed
from synpref.flow.pool import stage1_items
from synpref.flow.valid_answers import valid_answers
from synpref.stage import Outcome, Stage
from synpref.stage1.describing import attribute_prompts
from synpref.stage1.sampling import sampled


def run(stage: Stage) -> Outcome:
    """Ask every attributes engine about its share of the pool; nothing to do where nobody judges."""
    settings, campaign = stage.settings, stage.campaign()
    if not settings.judges or not settings.attributes:
        stage.say("no judge or no attributes engine is set: nothing to describe")
        return Outcome(campaign=campaign, detail={"engines": []})
    items = stage1_items(stage, campaign).cache()
    rows = items.count()
    calls, engines = Calls(), dict[str, str]()
    for engine in settings.attributes:
        part = items if engine.limit is None else sampled(items, "attributes", engine.limit, settings.seed)
        engines[engine.name] = described(stage, calls, engine, part, attribute_prompts(part, engine.samples))
    ids = list(engines.values())
    lost = undescribed(stage, items, ids) if calls.quarantined else {}
    answers = valid_answers(stage, items, engines)
    return calls.outcome(campaign, rows, quarantined=lost, engines=ids, answers=answers)


if __name__ == "__main__":
    submit("attributes")
