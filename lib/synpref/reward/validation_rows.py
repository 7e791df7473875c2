"""What a validation set is measured by beside its texts: group, source, category and length of each comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.store.snapshot import export_parquet

_FOLDER = "described"


@dataclass(frozen=True)
class ValidationRows:
    """One entry a comparison, in the order of comparison_id: ids of both responses, their characters, group, source.

    category: None where it is not known; nothing at all where it is known of no comparison.
    """

    chosen: list[str]
    rejected: list[str]
    chosen_characters: list[int]
    rejected_characters: list[int]
    group: list[str]
    source: list[str]
    category: Sequence[str | None] = ()

    def __len__(self) -> int:
        return len(self.chosen)


def export_validation_rows(
    described: DataFrame, comparisons: DataFrame, responses: DataFrame, categories: DataFrame, folder: Path
) -> None:
    """Write the rows beside the snapshot in `folder`; once.

    described: comparison_id, winner (a or b), group, source. categories: comparison_id, category, of those that have
    one. The other frames are the whole tables.
    """
    if (folder / _FOLDER).exists():
        return
    a_wins = F.col("winner") == "a"
    lengths = responses.select("response_id", "characters")
    # the validation set is small beside all of these
    rows = (
        described.join(comparisons.select("comparison_id", "response_a", "response_b"), "comparison_id")
        .withColumn("chosen", F.when(a_wins, F.col("response_a")).otherwise(F.col("response_b")))
        .withColumn("rejected", F.when(a_wins, F.col("response_b")).otherwise(F.col("response_a")))
        .join(lengths.toDF("chosen", "chosen_characters"), "chosen")
        .join(lengths.toDF("rejected", "rejected_characters"), "rejected")
        .join(categories, "comparison_id", "left")
        .select(
            "comparison_id", "chosen", "rejected", "chosen_characters", "rejected_characters", "group", "source",
            "category",
        )
    )  # fmt: skip
    export_parquet(rows.orderBy("comparison_id"), folder / _FOLDER, files=1)


def read_validation_rows(folder: Path) -> ValidationRows | None:
    """The rows that `export_validation_rows` left in a snapshot folder, all in memory; None where it left none."""
    place = folder / _FOLDER
    if not place.is_dir():
        return None
    table = ds.dataset(sorted(map(str, place.glob("*.parquet"))), format="parquet").to_table()
    table = table.sort_by("comparison_id")

    def texts(name: str) -> list[str]:
        return [str(one) for one in table[name].to_pylist()]

    def counts(name: str) -> list[int]:
        return [int(one) for one in table[name].to_numpy()]

    return ValidationRows(
        chosen=texts("chosen"),
        rejected=texts("rejected"),
        chosen_characters=counts("chosen_characters"),
        rejected_characters=counts("rejected_characters"),
        group=texts("group"),
        source=texts("source"),
        category=_categories(table),
    )


def _categories(table: pa.Table) -> list[str | None]:
    """Those of a snapshot that an earlier version exported are not known."""
    column = table["category"].to_pylist() if "category" in table.column_names else []
    return [None if one is None else str(one) for one in column] if any(column) else []
