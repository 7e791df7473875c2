"""The table `truth`, for the simulators and the final measurement; an import test keeps all others from it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.stage import Stage


def known_truth(stage: Stage) -> DataFrame:
    """The truth that the settings speak of: of the generated pool, or this campaign's labels before noise."""
    campaign = "-" if stage.settings.truth == "generated" else stage.campaign()
    return stage.warehouse.read("truth").where(F.col("campaign") == campaign)
