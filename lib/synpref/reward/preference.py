"""From rewards to a preference (paper.md §2.2)."""

from __future__ import annotations

import math

from pyspark.sql import Column
from pyspark.sql import functions as F


def preference_probability(reward_chosen: float, reward_rejected: float) -> float:
    """sigmoid(reward_chosen - reward_rejected), in [0, 1]; stable for large differences."""
    difference = reward_chosen - reward_rejected
    if difference >= 0:
        return 1.0 / (1.0 + math.exp(-difference))
    grown = math.exp(difference)
    return grown / (1.0 + grown)


def preference_column(reward_chosen: Column, reward_rejected: Column) -> Column:
    """Column twin of preference_probability; null where a reward is null."""
    difference = reward_chosen - reward_rejected
    grown = F.exp(-F.abs(difference))
    return F.when(difference >= 0, 1 / (1 + grown)).otherwise(grown / (1 + grown))
