"""The summary that every run of the main job writes: one JSON object, the same facts that the console and page show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from synpref.errors import SynprefError
from synpref.report.summary_shape import Decisions, RewardModels, StageCounts, Summary


def build_summary(
    *,
    campaign: str,
    settings_hash: str,
    git: str | None,
    versions: Mapping[str, str],
    device: Mapping[str, Any],
    seconds: float,
    peak_memory_gb: Mapping[str, float | None],
    stages: Sequence[Mapping[str, Any]],
    decisions: Sequence[Mapping[str, Any]],
    labels: Mapping[str, Any] | None,
    judges: Mapping[str, Mapping[str, Any]],
    reward_models: Mapping[str, float | None],
    intervals: Mapping[str, Mapping[str, Any]],
    gate: Mapping[str, int],
) -> dict[str, Any]:
    """Assemble and check the summary; `summary_shape.Summary` says what each part holds.

    stages: rows of `stage_runs` in the order they ran, of which the summary's columns are taken. decisions: rows
    with decision, reason and how many. labels: from
    `analysis.label_figures.labels_block`, or None where no truth is known. judges: from `analysis.judges.judge_block`.
    reward_models: accuracies by name; a model that was not trained may be absent and becomes null. intervals: by dotted
    name of the figure. Raises SynprefError where the result has not the shape.
    """
    return check_summary(
        {
            "campaign": campaign,
            "settings_hash": settings_hash,
            "git": git,
            "versions": dict(versions),
            "device": dict(device),
            "seconds": seconds,
            "peak_memory_gb": dict(peak_memory_gb),
            "stages": {stage["stage"]: {name: stage[name] for name in StageCounts.model_fields} for stage in stages},
            "decisions": {
                name: {row["reason"]: row["rows"] for row in decisions if row["decision"] == name}
                for name in Decisions.model_fields
            },
            "labels": labels,
            "judges": dict(judges),
            "reward_models": dict.fromkeys(RewardModels.model_fields) | dict(reward_models),
            "intervals": {name: dict(interval) for name, interval in intervals.items()},
            "gate": dict(gate),
        }
    )


def check_summary(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The summary as plain JSON values.

    Raises SynprefError that names every place where it has not the shape.
    """
    try:
        return Summary.model_validate(summary).model_dump(mode="json")
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}" for fault in error.errors()]
        raise SynprefError(f"summary has not its shape: {'; '.join(faults)}") from error
