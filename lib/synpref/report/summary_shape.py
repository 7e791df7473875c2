"""The shape of a run's summary, as types that refuse anything else."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    """Every part has exactly these fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Device(Part):
    """What the models ran on."""

    name: str
    features: list[str]
    dtype: str | None


class PeakMemory(Part):
    """Gigabytes; null where not measured."""

    driver: Amount | None
    worker: Amount | None


class AnswerCounts(Part):
    """Answers of an attributes engine about the Stage 1 pool: the five-tuple, or anything else."""

    parsed: Count
    invalid: Count


class StageCounts(Part):
    """One stage: rows_in = rows_out + duplicates + all quarantined.

    quarantined: by reason, in rows of the input files for ingest and hygiene, in comparisons for the others. refused:
    by reason, what engines gave no answer to, in rows of their tables (responses, texts, requests); it stands in
    `quarantine` too, and the comparisons that it cost the stage are among the quarantined. cut: inputs that lost tokens
    to a maximum length (settings overlong), of those that the engines of the stage's last run computed for it, over
    all its runs for the campaign; what a killed run computed is not among them. answers: of attributes engines, by
    name; empty for other stages.
    """

    rows_in: Count
    rows_out: Count
    duplicates: Count
    quarantined: dict[str, Count]
    refused: dict[str, Count]
    cut: Count
    answers: dict[str, AnswerCounts]
    seconds: Amount
    engine_calls: Count
    engine_calls_saved: Count


class Decisions(Part):
    """Stage 2's decisions on gold-train, silver and wild: comparisons by reason."""

    keep: dict[str, Count]
    flip: dict[str, Count]
    drop: dict[str, Count]


class Labelled(Part):
    """Rows, and the share whose label is the true one."""

    rows: Count
    accuracy: Share | None


class Flipped(Labelled):
    """recall: share of the wrongly labelled that were flipped."""

    recall: Share | None


class ByLength(Part):
    """The length baseline at equal counts."""

    kept: Labelled
    flipped: Flipped


class Labels(Part):
    """Stage 2's decisions against the truth."""

    pool: Labelled
    kept: Labelled
    flipped: Flipped
    dropped: Labelled
    by_length_equal_counts: ByLength


class RepairCounts(Part):
    """Answers that named no verdict and were asked for once more: how many, repaired, and unparsed all the same.

    The others were lost on the way. Counted over the campaign's runs of Stage 1 and 2, canaries included; what a killed
    run asked is not among them.
    """

    asked: Count
    repaired: Count
    unparsed: Count


class JudgeFigures(Part):
    """One judge; admitted is null while undecided."""

    simulated: bool
    admitted: bool | None
    gold_agreement: Share | None
    position_flip_rate: Share | None
    verdicts: dict[str, Count]
    repairs: RepairCounts


class RewardModels(Part):
    """Accuracy on test prompts, mean of seeds; null where not trained."""

    original: Share | None
    filtered: Share | None
    filtered_corrected: Share | None


class GateFigures(Part):
    """Great Expectations: how much was checked."""

    suites: Count
    expectations: Count
    failed: Count


class Summary(Part):
    """A whole run. labels is null where no truth is known; intervals are objects by dotted name of the figure."""

    campaign: str
    settings_hash: str
    git: str | None
    versions: dict[str, str]
    device: Device
    seconds: Amount
    peak_memory_gb: PeakMemory
    stages: dict[str, StageCounts]
    decisions: Decisions
    labels: Labels | None
    judges: dict[str, JudgeFigures]
    reward_models: RewardModels
    intervals: dict[str, dict[str, JsonValue]]
    gate: GateFigures
