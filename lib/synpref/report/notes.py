"""What a reader of a run's figures must know: who is simulated, whose labels are gold, and why a judge was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WINNERS = {
    "generated": "with known truth",
    "unflipped": "whose truth is their label before hygiene.noise",
    "none": "whose winners are labels, since no truth is known",
}
_SAID = {True: "was admitted", False: "was refused", None: "is open"}


def run_notes(
    *,
    provider: str,
    error_rate: float,
    share: float,
    judges: Mapping[str, Mapping[str, Any]],
    simulated_attributes: Sequence[str],
    cross_fitted: bool,
    policy: str,
    of_other_policies: Mapping[str, str],
    epochs: float | None,
) -> list[str]:
    """Sentences for console and page.

    provider, error_rate, share: of the settings `humans`. judges: name to what Stage 1 noted (admitted, reason,
    simulated). simulated_attributes: names of engines that judges saw attributes of. cross_fitted: whether the best
    reward model is two halves'. policy: that Stage 2 decided under; of_other_policies: stages behind it that last ran
    under another one, with that one. epochs: passes of each final model over its set; None: all took equal steps.
    """
    simulated = sorted(name for name, note in judges.items() if note["simulated"])
    notes = _of_gold(provider, error_rate, share)
    if simulated:
        notes.append(f"Simulated judges: {', '.join(simulated)}. They know the truth and err by stated rates.")
    notes += [f"Judge {name} {_SAID[note['admitted']]}: {note['reason']}." for name, note in judges.items()]
    notes += [
        f"Preference attributes by {name} are simulated: they come from the task family of the generated pool."
        for name in simulated_attributes
    ]
    if cross_fitted:
        notes.append(
            "No silver: the best reward model is cross-fitted, two models each scoring the half it did not see."
        )
    if of_other_policies:
        ran = ", ".join(f"{stage} last ran under {other}" for stage, other in of_other_policies.items())
        run = " and ".join(f"`synpref {stage}`" for stage in of_other_policies)
        notes.append(f"Stage 2 decided under policy {policy}, {ran}, whose figures are left out: run {run}.")
    if epochs is not None:
        notes.append(
            f"The compared reward models took unequal steps: {epochs:g} passes over each one's own set (train.epochs)."
        )
    return notes


def models_caption(truth: str, seeds: int, epochs: float | None) -> str:
    """What the figure of the final models shows. truth: of the settings; seeds: models of a set; epochs: as above."""
    means = "one seed" if seeds == 1 else f"mean of {seeds} seeds"
    steps = "equal steps" if epochs is None else "unequal steps"
    return f"Final reward models on test comparisons {_WINNERS[truth]}; {means}, {steps}"


def _of_gold(provider: str, error_rate: float, share: float) -> list[str]:
    if provider == "simulated":
        return [f"People are simulated, with a stated error rate of {error_rate:.0%}."]
    if provider == "source":
        told = (
            f"Gold is labels of the input files, for {share:.0%} of the comparisons: nobody was asked for them, and "
            "they are people's only where the files say so (label_origin)."
        )
        return [told]
    return []
