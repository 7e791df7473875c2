"""What a reward model is worth on validation comparisons: accuracy by source and category, length, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synpref.errors import InputError
from synpref.quality.intervals import Interval, share_interval
from synpref.reward.calibration import Calibration, calibration
from synpref.reward.validation_rows import ValidationRows

MAX_SOURCES = 50  # shown by name; a file may name a source a row
UNKNOWN = "unknown"


@dataclass(frozen=True)
class SourceAccuracy:
    """Accuracy on the comparisons of one source, or of one category."""

    rows: int
    accuracy: float


@dataclass(frozen=True)
class ValidationFigures:
    """rows: comparisons measured; unscored: those with a response that has no reward, in no other figure.

    accuracy: paper.md §2.2, equal rewards count half; its interval resamples groups. length: the same of preferring
    the longer response. by_source, by_category: empty where there are more than MAX_SOURCES; comparisons without a
    category are `unknown`, and where none has one by_category is empty.
    """

    rows: int
    unscored: int
    accuracy: Interval
    length: Interval
    by_source: Mapping[str, SourceAccuracy]
    calibration: Calibration
    by_category: Mapping[str, SourceAccuracy] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def validation_figures(rows: ValidationRows, rewards: Mapping[str, float], seed: int) -> ValidationFigures:
    """Measure rewards by response_id (nan: refused) on validation comparisons.

    Raises InputError where no comparison has both rewards.
    """
    margins = np.array([rewards[a] - rewards[b] for a, b in zip(rows.chosen, rows.rejected, strict=True)], dtype=float)
    longer = np.array(rows.chosen_characters) - np.array(rows.rejected_characters)
    known = np.isfinite(margins)
    if not known.any():
        raise InputError("validation: no comparison has a reward for both responses; raise train.max_tokens")
    margins, longer = margins[known], longer[known]
    groups = [group for group, usable in zip(rows.group, known, strict=True) if usable]
    sources = [source for source, usable in zip(rows.source, known, strict=True) if usable]
    categories = rows.category or [None] * len(known)
    named = [category for category, usable in zip(categories, known, strict=True) if usable]
    return ValidationFigures(
        rows=len(margins),
        unscored=int((~known).sum()),
        accuracy=_over_groups(_right(margins), groups, seed),
        length=_over_groups(_right(longer.astype(float)), groups, seed),
        by_source=_by_name(_right(margins), sources),
        calibration=calibration(margins),
        by_category=_by_name(_right(margins), [name or UNKNOWN for name in named]) if any(named) else {},
    )


def _right(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((differences > 0) + 0.5 * (differences == 0), dtype=np.float64)


def _over_groups(right: NDArray[np.float64], groups: Sequence[str], seed: int) -> Interval:
    _, place = np.unique(np.array(groups), return_inverse=True)
    interval = share_interval(np.bincount(place, right).tolist(), np.bincount(place).tolist(), seed=seed)
    if interval is None:
        raise InputError("validation: no comparison to measure on")
    return interval


def _by_name(right: NDArray[np.float64], each: Sequence[str]) -> dict[str, SourceAccuracy]:
    named = np.array(each)
    names = sorted(set(each))
    if len(names) > MAX_SOURCES:
        return {}
    return {name: SourceAccuracy(int((named == name).sum()), float(right[named == name].mean())) for name in names}
