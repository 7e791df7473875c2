"""Whether a judge may label: canaries, then agreement with gold-validation (paper.md §10.5)."""

from __future__ import annotations

from dataclasses import dataclass

from synpref.quality.wilson import wilson_lower


@dataclass(frozen=True)
class AdmissionRule:
    """min_agreement: what the lower Wilson bound (normal quantile z) must exceed on at least min_comparisons."""

    min_agreement: float
    min_comparisons: int
    z: float


@dataclass(frozen=True)
class Admission:
    """admitted: None while more answers are needed. reason: one line for people."""

    admitted: bool | None
    reason: str
    asked: int
    right: int


def admit(right: int, asked: int, remaining: int, canaries_passed: bool, rule: AdmissionRule) -> Admission:
    """Admit, refuse, or (admitted None) ask more.

    right of asked gold-validation comparisons had the gold label in both orders; remaining could still be asked.
    Refused as soon as the remaining answers, all right, could not reach the bound.
    """
    if not canaries_passed:
        return Admission(False, "canaries failed: it prefers plainly wrong answers", asked, right)
    if asked + remaining < rule.min_comparisons:
        reason = f"only {asked + remaining} gold-validation comparisons, admission needs {rule.min_comparisons}"
        return Admission(False, reason, asked, right)
    best = wilson_lower(right + remaining, asked + remaining, rule.z)
    if best <= rule.min_agreement:
        reason = (
            f"{right} of {asked} right in both orders; were all {remaining} further answers right, the lower bound "
            f"would be {best:.3f}, not above {rule.min_agreement}"
        )
        return Admission(False, reason, asked, right)
    if remaining:
        return Admission(None, f"{right} of {asked} right so far", asked, right)
    reason = f"{right} of {asked} right in both orders, lower bound {best:.3f} above {rule.min_agreement}"
    return Admission(True, reason, asked, right)
