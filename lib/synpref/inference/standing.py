"""What of the inputs stands already: answered, quarantined, or still pending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.engines.failure import PASSING
from synpref.errors import InputError
from synpref.store.pending import pending

ROW_KEY = "row_key"


@dataclass(frozen=True)
class Standing:
    """Counts of the inputs: all, answered before, quarantined before by reason, and pending.

    lost: those of the pending that were asked for before and lost on the way (failure.PASSING), by reason; they stand
    in quarantine. found_since: those of the answered that stand there as lost, since another job answered them.
    """

    rows: int
    saved: int
    quarantined: dict[str, int]
    lost: dict[str, int] = field(default_factory=dict)
    found_since: int = 0

    @property
    def pending(self) -> int:
        """Rows that the engine is to be asked for."""
        return self.rows - self.saved - sum(self.quarantined.values())


def row_key(key: Sequence[str], engine_id: str) -> Column:
    """The key of a row that an engine refused, as quarantine holds it: key values and engine joined by ':'."""
    return F.concat_ws(":", *[F.col(f"`{name}`").cast("string") for name in key], F.lit(engine_id))


def standing(inputs: DataFrame, done: DataFrame, refused: DataFrame, key: Sequence[str], engine_id: str) -> Standing:
    """Count the inputs by what is known of them, in one job over keys only.

    done: the table's rows of this engine; refused: quarantine rows of this engine (row_key, reason). Raises InputError
    where a key stands twice in the inputs or is null: neither can be answered once.
    """
    names = [F.col(f"`{name}`") for name in key]
    null = F.greatest(F.lit(False), *[name.isNull() for name in names])
    keys = inputs.groupBy(*names).agg(F.count("*").alias("copies")).withColumn("null_key", null)
    keys = keys.withColumn(ROW_KEY, row_key(key, engine_id))
    known = done.select(*names, F.lit("").alias("answered"))
    # Both sides may be large; joined by hash of the key, which also grouped the inputs.
    state = keys.join(known, list(key), "left")
    # One reason a row: what another stage lost does not hide what this engine refused.
    reasons = refused.groupBy(ROW_KEY).agg(F.min_by("reason", F.col("reason").isin(*PASSING)).alias("reason"))
    # Often few, but as many as the inputs where a judge is replayed from few records: Spark chooses.
    state = state.join(reasons, ROW_KEY, "left")
    state = state.withColumn("state", F.coalesce("answered", "reason"))
    counts = state.groupBy("state").agg(
        F.count("*").alias("rows"),
        F.sum("copies").alias("copies"),
        F.sum(F.when(F.col("null_key"), F.col("copies")).otherwise(0)).alias("nulls"),
        F.count(F.when(F.col("answered").isNotNull() & F.col("reason").isin(*PASSING), 1)).alias("found_since"),
    )
    found = counts.collect()  # one row a state
    _require_keys(key, sum(row["copies"] - row["rows"] for row in found), sum(row["nulls"] for row in found))
    by_state = {row["state"]: row["rows"] for row in found}
    refusals = {state: rows for state, rows in by_state.items() if state and state not in PASSING}
    lost = {state: rows for state, rows in by_state.items() if state in PASSING}
    found_since = sum(row["found_since"] for row in found)
    return Standing(sum(by_state.values()), by_state.get("", 0), refusals, lost, found_since)


def unanswered(inputs: DataFrame, done: DataFrame, refused: DataFrame, key: Sequence[str], engine_id: str) -> DataFrame:
    """The inputs that are neither answered nor refused; what was only lost is among them."""
    todo = pending(inputs, done, key).withColumn(ROW_KEY, row_key(key, engine_id))
    held = refused.where(~F.col("reason").isin(*PASSING)).select(ROW_KEY)
    # Often few, but as many as the inputs where a judge is replayed from few records: Spark chooses.
    return todo.join(held, ROW_KEY, "left_anti").drop(ROW_KEY)


def lost(inputs: DataFrame, refused: DataFrame, key: Sequence[str], engine_id: str) -> DataFrame:
    """The rows of quarantine, of any stage, that are about inputs which were lost on the way to the engine."""
    keys = inputs.select(row_key(key, engine_id).alias(ROW_KEY))
    # what was lost is at most the tolerated share of some inputs
    return refused.where(F.col("reason").isin(*PASSING)).join(keys, ROW_KEY, "left_semi")


def _require_keys(key: Sequence[str], repeated: int, nulls: int) -> None:
    if nulls:
        raise InputError(f"inputs of the engine have {nulls} rows with a null in their key {list(key)}")
    if repeated:
        raise InputError(f"inputs of the engine repeat {repeated} rows by their key {list(key)}; deduplicate them")
