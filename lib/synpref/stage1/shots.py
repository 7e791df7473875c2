"""Gold examples for judges: retrieved, committed, and only then shown (paper.md §2.4)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.stage1.nearest import collect_vectors
from synpref.stage1.requests import with_few_shots
from synpref.stage1.retrieval import few_shots, retrieval_rows
from synpref.store.warehouse import Warehouse


def shown(
    warehouse: Warehouse, targets: DataFrame, gold_train: DataFrame, *, k: int, campaign: str, iteration: int
) -> DataFrame:
    """Targets with `shots`: their k most similar gold-train comparisons of other groups, as retrievals has them.

    targets, gold_train: items with group, vector, attributes; gold_train with its human label. Replaces the few-shot
    retrievals of this iteration in one commit before anything is rendered.
    """
    if k:
        found = few_shots(targets, collect_vectors(gold_train), k)
        rows = retrieval_rows(found, campaign, iteration, "few_shot")
    else:
        none = "query string, retrieved string, similarity double, rank int"
        empty = warehouse.spark.createDataFrame([], none)
        rows = retrieval_rows(empty, campaign, iteration, "few_shot")
    where: dict[str, str | int] = {"campaign": campaign, "iteration": iteration, "purpose": "few_shot"}
    warehouse.replace("retrievals", rows, where)
    own = (F.col("campaign") == campaign) & (F.col("iteration") == iteration) & (F.col("purpose") == "few_shot")
    return with_few_shots(targets, warehouse.read("retrievals").where(own), gold_train, k)
