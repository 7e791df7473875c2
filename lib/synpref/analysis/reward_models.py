"""Accuracy of reward models against the truth on test comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as sf

from synpref.errors import InputError
from synpref.quality.intervals import Interval, difference_interval, mean_share_interval

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class ModelAccuracies:
    """accuracy: mean over seeds; per_seed: in the order given; intervals: of the means and of their differences."""

    accuracy: dict[str, float]
    per_seed: dict[str, list[float]]
    intervals: dict[str, Interval]


def comparisons_with_winner(chosen: DataFrame, comparisons: DataFrame, truth: DataFrame) -> DataFrame:
    """The comparisons to test on whose winner is known and no tie.

    chosen: comparison_id and block (see `blocks.with_blocks`). Out: those with response_a, response_b, winner (a or b).
    """
    known = truth.where(sf.col("winner").isin("a", "b")).select("comparison_id", "winner")
    sides = comparisons.select("comparison_id", "response_a", "response_b")
    # the tests are the small side of both joins
    return chosen.select("comparison_id", "block").join(known, "comparison_id").join(sides, "comparison_id")


def reward_sums(rewards: DataFrame, tested: DataFrame, engine_ids: Sequence[str]) -> DataFrame:
    """How often each model rewards the better response more: engine_id, block, rows, right, unscored.

    A tie of rewards counts half. unscored: comparisons that lack a reward; they count in no other column.
    """
    spark = tested.sparkSession
    engines = spark.createDataFrame([(engine,) for engine in dict.fromkeys(engine_ids)], "engine_id string")
    scores = rewards.where(sf.col("engine_id").isin(list(engine_ids))).select("engine_id", "response_id", "reward")
    # a dozen engines; tests are the small side beside the rewards
    rows = (
        tested.crossJoin(sf.broadcast(engines))
        .join(scores.toDF("engine_id", "response_a", "reward_a"), ["engine_id", "response_a"], "left")
        .join(scores.toDF("engine_id", "response_b", "reward_b"), ["engine_id", "response_b"], "left")
    )
    margin = sf.col("reward_a") - sf.col("reward_b")
    right = (1 + sf.sign(margin) * sf.when(sf.col("winner") == "a", 1).otherwise(-1)) / 2
    return rows.groupBy("engine_id", "block").agg(
        sf.count(margin).alias("rows"),
        sf.coalesce(sf.sum(right), sf.lit(0.0)).alias("right"),
        sf.count(sf.when(margin.isNull(), 1)).alias("unscored"),
    )


def model_accuracies(
    sums: Sequence[Mapping[str, Any]], models: Mapping[str, Sequence[str]], *, baseline: str, seed: int
) -> ModelAccuracies:
    """Accuracies of named models, each the mean of its seeds' engine_ids, with intervals over groups.

    sums: rows of `reward_sums`. intervals has `reward_models.<name>` for each, and for each but the baseline
    `reward_models.<name>_minus_<baseline>`, paired by group. Raises InputError where a model scored nothing or not
    everything.
    """
    blocks = sorted({row["block"] for row in sums})
    tables = {name: _table(sums, engine_ids, blocks, name) for name, engine_ids in models.items()}
    per_seed = {
        name: [sum(right) / sum(rows) for right, rows in zip(*table, strict=True)] for name, table in tables.items()
    }
    found = {f"reward_models.{name}": mean_share_interval(*table, seed=seed) for name, table in tables.items()}
    for name in models:
        if name != baseline:
            difference = difference_interval(tables[name], tables[baseline], seed=seed)
            found[f"reward_models.{name}_minus_{baseline}"] = difference
    return ModelAccuracies(
        accuracy={name: fmean(values) for name, values in per_seed.items()},
        per_seed=per_seed,
        intervals={name: interval for name, interval in found.items() if interval is not None},
    )


def _table(
    sums: Sequence[Mapping[str, Any]], engine_ids: Sequence[str], blocks: Sequence[str], name: str
) -> tuple[list[list[float]], list[list[float]]]:
    """(rights, rows), one list a seed, one value a block."""
    cells = {(row["engine_id"], row["block"]): row for row in sums}
    rights, rows = [], []
    for engine in engine_ids:
        mine = [cells.get((engine, block), {"right": 0.0, "rows": 0, "unscored": 0}) for block in blocks]
        missing, scored = sum(cell["unscored"] for cell in mine), sum(cell["rows"] for cell in mine)
        if missing or not scored:
            raise InputError(
                f"reward model {name} ({engine}): {missing} test comparisons lack a reward and {scored} have one; run "
                "the stage evaluate, which scores them"
            )
        rights.append([float(cell["right"]) for cell in mine])
        rows.append([float(cell["rows"]) for cell in mine])
    return rights, rows
