"""Labels 1 and 2, which count from 1 where ours count from 0: their 1s would be read the wrong way round."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.errors import InputError


def refuse_labels_from_one(rows: DataFrame, paths: Mapping[str, str]) -> None:
    """Raise InputError where a file has labels 1 and 2 and none for the first response (0, a, …).

    rows: content.PARSED. paths: of the files that are looked at, by file_id.
    """
    labelled = F.col("reason").isNull() & F.col("label").isin("a", "b")
    first = (F.col("label") == "a") == (F.col("first_id") <= F.col("second_id"))  # canonical_label turned round
    two = (F.col("reason") == "unknown_label") & F.col("detail").isin("label: 2", "label: 2.0")
    counts = rows.where(F.col("file_id").isin(list(paths))).groupBy("file_id").agg(
        F.count_if(labelled & first).alias("zeros"), F.count_if(labelled & ~first).alias("ones"),
        F.count_if(two).alias("twos"),
    )  # fmt: skip
    found = counts.where("twos > 0 AND ones > 0 AND zeros = 0").first()
    if found is not None:
        raise InputError(
            f"{paths[found['file_id']]}: {found['twos']} labels are 2, {found['ones']} are 1 and none is 0. Labels "
            "count from 0 (0: response_a is better, 1: response_b), so its 1s would be read as the second response. "
            "Write a for 1 and b for 2, and try again"
        )
