"""Wilson's score interval of a share (E. B. Wilson, 1927): right also for few trials and shares near 0 or 1."""

from __future__ import annotations

from math import sqrt


def wilson_bounds(successes: float, n: int, z: float) -> tuple[float, float]:
    """Lower and upper bound of the true share after `successes` of `n` trials; z = 1.96 for 95 %, two-sided.

    Without a trial everything is possible: (0, 1). Raises ValueError where successes lies outside 0 to n, or z < 0.
    """
    if not 0 <= successes <= n or z < 0:
        raise ValueError(f"no share: {successes} of {n}, z {z}")
    if n == 0:
        return 0.0, 1.0
    share, squared = successes / n, z * z
    centre = (share + squared / (2 * n)) / (1 + squared / n)
    half = z * sqrt(share * (1 - share) / n + squared / (4 * n * n)) / (1 + squared / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def wilson_lower(successes: float, n: int, z: float) -> float:
    """Lower bound alone, see `wilson_bounds`."""
    return wilson_bounds(successes, n, z)[0]
