"""What the page shows beyond the summary, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Sample:
    """One row for people to read: heading, facts, and the texts exactly as they are.

    prompt: messages (role, content). responses: name (chosen, response a, …) to text. original: a quarantined row as it
    came, where there is no prompt.
    """

    heading: str
    facts: Mapping[str, str] = field(default_factory=dict)
    prompt: Sequence[Mapping[str, str]] = ()
    responses: Mapping[str, str] = field(default_factory=dict)
    original: str = ""


@dataclass(frozen=True)
class Details:
    """Everything is optional: an empty part is left out of the page.

    models_caption: of the final models' figure. notes: sentences a reader must know (what is simulated, why no judge
    was admitted). by_source, by_group: rows of `analysis.label_figures.breakdown_row` with a `name`. left_out: reason
    to rows that could not be measured.
    decisions: {decision, reason, rows}. probabilities: reward model to histogram counts of the probability of the
    source's label. curves: {model, step, loss, accuracy}. iterations: {iteration, accuracy, silver, gold}.
    per_seed: model to accuracies. benchmarks: from `flow.benchmark_record.shown`, with the robustness beside it.
    curated, refused: samples.
    """

    title: str = "synpref run"
    models_caption: str = "Final reward models on test comparisons"
    notes: Sequence[str] = ()
    by_source: Rows = ()
    by_group: Rows = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    decisions: Rows = ()
    probabilities: Mapping[str, Sequence[int]] = field(default_factory=dict)
    curves: Rows = ()
    iterations: Rows = ()
    per_seed: Mapping[str, Sequence[float]] = field(default_factory=dict)
    benchmarks: Mapping[str, Any] = field(default_factory=dict)
    curated: Sequence[Sample] = ()
    refused: Sequence[Sample] = ()
