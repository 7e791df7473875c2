"""What hygiene hands on, and the proof that it lost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synpref.errors import SynprefError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Counts:
    """rows_in (occurrences that are comparisons) = rows_out (comparisons) + duplicates + all of quarantined.

    alike: of rows_out, where normalised duplicates were merged, those whose two responses are equal once normalised.
    Each stands by itself, so that two of them may be one comparison once normalised.
    """

    rows_in: int
    rows_out: int
    duplicates: int
    quarantined: dict[str, int]
    alike: int = 0

    def assert_reconciled(self) -> None:
        """Raise SynprefError with the figures where a row is unaccounted for."""
        accounted = self.rows_out + self.duplicates + sum(self.quarantined.values())
        if accounted != self.rows_in:
            raise SynprefError(
                f"hygiene lost count: {self.rows_in} occurrences in, but {self.rows_out} comparisons out + "
                f"{self.duplicates} duplicates + {self.quarantined} quarantined = {accounted}. Files, comparisons, "
                "responses or prompts lack rows that occurrences name; run ingest again"
            )


@dataclass(frozen=True)
class Cleaned:
    """What hygiene found. source_labels, marks and quarantine fit the contracts of source_labels, hygiene_marks and
    quarantine; unflipped is (comparison_id, winner), the labels before noise of the comparisons in source_labels.

    The frames share one persisted frame: write them, then `release`.
    """

    source_labels: DataFrame
    marks: DataFrame
    quarantine: DataFrame
    unflipped: DataFrame
    counts: Counts
    persisted: tuple[DataFrame, ...]

    def release(self) -> None:
        """Free what was persisted."""
        for frame in self.persisted:
            frame.unpersist()
