"""Reward models that `evaluate` measures, as engines: one of ours is scored at the length that it was trained at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from synpref.errors import InputError
from synpref.flow.specs import scorer
from synpref.inference.spec import EngineSpec
from synpref.reward.model_folder import RECORD, read_model
from synpref.reward.plan import TrainingPlan
from synpref.stage import Stage


def evaluated_models(stage: Stage, models: Sequence[tuple[str, str]]) -> list[EngineSpec]:
    """Models (name, folder) as engines, in order; for each that was trained here a line says at which length.

    Where scorer.max_tokens is null, such a model (model.json) has max_tokens and overlong of its training; else both
    are the scorer's, and a line warns where they are others. Raises InputError where several models would be asked of
    an SGLang server, which answers for each with the one that it holds.
    """
    asked = stage.settings.scorer
    if len(models) > 1 and asked.backend == "http" and asked.http.server == "sglang":
        raise InputError(
            f"scorer.http.server: sglang holds one model, and {len(models)} are to be measured; name that one alone in "
            "evaluate.models, or use vllm, which is asked for a model by its name"
        )
    return [_evaluated(stage, scorer(stage.settings, name, folder), Path(folder)) for name, folder in models]


def _evaluated(stage: Stage, spec: EngineSpec, folder: Path) -> EngineSpec:
    name, plan = spec.name, _plan(stage, spec.name, folder)
    if plan is None:
        return spec
    trained = f"{plan.max_tokens:,} tokens ({plan.overlong})"
    if stage.settings.scorer.max_tokens is None:
        aside = "" if plan.overlong == spec.text("overlong") else "; scorer.overlong needs scorer.max_tokens beside it"
        stage.say(f"{name}: scored as it was trained, at {trained}{aside}")
        return spec.having(max_tokens=plan.max_tokens, overlong=plan.overlong)
    asked = f"{spec.integer('max_tokens', 0):,} tokens ({spec.text('overlong')})"
    if asked != trained:
        stage.say(f"warning: {name} was trained at {trained} and is scored at {asked}, as scorer.max_tokens says")
    return spec


def _plan(stage: Stage, name: str, folder: Path) -> TrainingPlan | None:
    if not (folder / RECORD).is_file():
        return None
    try:
        return read_model(folder).plan
    except InputError as error:
        stage.say(f"{name}: scored as a model that was not trained here: {error}")
        return None
