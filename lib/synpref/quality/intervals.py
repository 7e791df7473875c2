"""Bootstrap intervals that resample groups, not pairs: pairs of one group are not independent (design.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

FEW_GROUPS = 20
LEVEL = 0.95
RESAMPLES = 2000

Sums = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A measured figure with the percentile interval of its bootstrap. few_groups: under 20, so read it with care."""

    estimate: float
    low: float
    high: float
    groups: int
    few_groups: bool

    def as_dict(self) -> dict[str, float | int | bool]:
        """Plain values, for JSON."""
        return asdict(self)


def bootstrap(
    sums: Sums, statistic: Callable[[Sums], Sums], *, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval | None:
    """Interval of a statistic of totals, by drawing as many groups as there are, with replacement.

    sums: (groups, columns), what each group adds to the totals. statistic: (n, columns) totals to (n,) values; nan
    where a total leaves it undefined (such draws are left out). None where it is undefined on the data themselves.
    """
    groups = sums.shape[0]
    if groups == 0:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = float(statistic(sums.sum(axis=0, keepdims=True))[0])
        if not np.isfinite(estimate):
            return None
        draws = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=resamples)
        values = statistic(draws.astype(np.float64) @ sums)
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2]) if values.size else (estimate, estimate)
    return Interval(estimate, float(low), float(high), groups, groups < FEW_GROUPS)


def share_interval(right: Sequence[float], rows: Sequence[float], *, seed: int) -> Interval | None:
    """Interval of sum(right) / sum(rows); both per group, in the same order. None without rows."""
    return mean_share_interval([right], [rows], seed=seed)


def mean_share_interval(
    rights: Sequence[Sequence[float]], rows: Sequence[Sequence[float]], *, seed: int
) -> Interval | None:
    """Interval of the mean of several shares of the same groups (three seeds of a model): one sequence a share."""
    shares = len(rights)
    return bootstrap(_columns(rights, rows), lambda totals: _mean_share(totals, shares), seed=seed)


def difference_interval(
    first: tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]],
    second: tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]],
    *,
    seed: int,
) -> Interval | None:
    """Interval of mean share of `first` minus that of `second`, paired: each draw takes the same groups for both.

    Each is (rights, rows) as in `mean_share_interval`, over the same groups in the same order.
    """
    sums = np.hstack([_columns(*first), _columns(*second)])
    width = 2 * len(first[0])
    counts = (len(first[0]), len(second[0]))

    def difference(totals: Sums) -> Sums:
        return _mean_share(totals[:, :width], counts[0]) - _mean_share(totals[:, width:], counts[1])

    return bootstrap(sums, difference, seed=seed)


def _columns(rights: Sequence[Sequence[float]], rows: Sequence[Sequence[float]]) -> Sums:
    """(groups, 2 * shares): all rights, then all rows."""
    return np.array([*rights, *rows], dtype=np.float64).T


def _mean_share(totals: Sums, shares: int) -> Sums:
    return np.asarray((totals[:, :shares] / totals[:, shares:]).mean(axis=1), dtype=np.float64)
