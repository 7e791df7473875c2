"""Counts of hygiene reconcile or the job stops."""

from __future__ import annotations

import pytest

from synpref.errors import SynprefError
from synpref.hygiene.cleaned import Counts


def test_accounted_rows_pass() -> None:
    Counts(rows_in=10, rows_out=6, duplicates=3, quarantined={"benchmark_prompt_whole": 1}).assert_reconciled()


@pytest.mark.parametrize("rows_in", [9, 11])
def test_a_missing_or_surplus_row_stops_the_job_and_shows_the_figures(rows_in: int) -> None:
    counts = Counts(rows_in=rows_in, rows_out=6, duplicates=3, quarantined={"benchmark_prompt_whole": 1})
    with pytest.raises(SynprefError, match=f"{rows_in} occurrences in.*6 comparisons out.*3 duplicates.*= 10"):
        counts.assert_reconciled()
