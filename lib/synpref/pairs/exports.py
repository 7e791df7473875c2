"""Curated rows in the form that training libraries read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def _answer(text: str) -> Column:
    return F.array(F.struct(F.lit("assistant").alias("role"), F.col(text).alias("content")))


def trl_rows(curated: DataFrame) -> DataFrame:
    """TRL's explicit conversational preference rows: prompt, chosen, rejected as lists of {role, content}.

    curated: with prompt (messages), chosen and rejected (texts), as in the table of that name. Other columns go.
    """
    return curated.select("prompt", _answer("chosen").alias("chosen"), _answer("rejected").alias("rejected"))


def write_trl(curated: DataFrame, folder: Path | str, form: Literal["json", "parquet"] = "json") -> None:
    """Write TRL rows to a folder that is not there yet, as .json files (one object a line) or .parquet files."""
    rows = trl_rows(curated)
    if form == "parquet":
        rows.write.parquet(str(folder))
    else:
        rows.write.json(str(folder))
