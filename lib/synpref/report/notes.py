"""What a reader of a run's figures must know: who is simulated, whose labels are gold, and why a judge was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SAID = {True: "was admitted", False: "was refused", None: "is open"}


def run_notes(
    *,
    provider: str,
    error_rate: float,
    share: float,
    judges: Mapping[str, Mapping[str, Any]],
    simulated_attributes: Sequence[str],
    cross_fitted: bool,
) -> list[str]:
    """Sentences for console and page.

    provider, error_rate, share: of the settings `humans`. judges: name to what Stage 1 noted (admitted, reason,
    simulated). simulated_attributes: names of engines that judges saw attributes of. cross_fitted: whether the best
    reward model is two halves'.
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
    return notes


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
