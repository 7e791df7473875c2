"""The quality gates of a run, with the bounds of the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.quality.meaning import check_curated, check_decisions
from synpref.stage import Stage


def inference_table(stage: Stage, table: str, engine_ids: Sequence[str], *, grown: bool = True) -> None:
    """Hold what engines wrote to its contract, before this stage reads it.

    grown: whether this stage added to it. What did not grow since this run held it is not held again.
    """
    engines = {(table, engine_id) for engine_id in engine_ids}
    if not grown and engines <= stage.gate.held:
        return
    rows = stage.warehouse.read(table).where(F.col("engine_id").isin(list(engine_ids)))
    stage.gate.check_contract(rows, table=table, suite=f"{stage.name} reads {table}")
    stage.gate.held.update(engines)


def before_publishing(stage: Stage, table: str) -> Callable[[DataFrame], None]:
    """The contract of a table, as a check of what is about to be published."""

    def check(staged: DataFrame) -> None:
        stage.gate.check_contract(staged, table=table, suite=f"{stage.name} publishes {table}")

    return check


def decisions_gate(stage: Stage, pool: DataFrame, source_labels: DataFrame) -> Callable[[DataFrame], None]:
    """Contract and meaning of decisions."""
    bounds = stage.settings.gate

    def check(staged: DataFrame) -> None:
        check_decisions(
            stage.gate,
            staged,
            pool,
            source_labels,
            min_keep_share=bounds.min_keep_share,
            max_flip_share=bounds.max_flip_share,
            max_source_drop=bounds.max_source_drop,
            min_source_rows=bounds.min_source_rows,
        )

    return check


def curated_gate(
    stage: Stage, taken: DataFrame, source_labels: DataFrame, roles: DataFrame
) -> Callable[[DataFrame], None]:
    """Contract and meaning of the curated table. taken: the decisions that the mix takes."""

    def check(staged: DataFrame) -> None:
        check_curated(stage.gate, staged, taken, source_labels, roles)

    return check
