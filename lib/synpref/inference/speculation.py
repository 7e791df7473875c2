"""Spark may start slow tasks a second time; an engine would be asked twice."""

from __future__ import annotations

from pyspark.sql import SparkSession

from synpref.errors import SettingsError


def check_speculation(spark: SparkSession) -> None:
    """Raise SettingsError where the session has spark.speculation on."""
    if (spark.conf.get("spark.speculation", None) or "").strip().lower() == "true":
        raise SettingsError(
            "spark.speculation is on in this session: slow tasks would ask the engine twice. Start the session with "
            "spark.speculation=false"
        )
