"""Rows of a user's pairs that are no comparison: how many, why, and where the first of them stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from synpref.benchmarks.rows import BadRowError
from synpref.errors import InputError
from synpref.pairs.identity import hash128

SHOWN = 3  # places of each reason


def refused_counts(refused: Iterable[BadRowError]) -> dict[str, int]:
    """Rows by reason code, most frequent first."""
    return dict(Counter(_code(one) for one in refused).most_common())


def refused_text(refused: Sequence[BadRowError]) -> str:
    """Each reason with its rows and the places of the first: `missing_prompt 2 (line 3, line 9 of pairs.jsonl)`."""
    return "; ".join(
        f"{reason} {count:,} ({_places([one for one in refused if _code(one) == reason])})"
        for reason, count in refused_counts(refused).items()
    )


def check_refused(name: str, refused: Sequence[BadRowError], usable: int, share: float, setting: str) -> None:
    """Raise InputError where more than a share of the rows is refused, or all of them. setting: that says the share."""
    if not refused:
        return
    told = f"{refused_text(refused)}. The first: {refused[0]}"
    if not usable:
        raise InputError(f"{name}: no row is left to measure on; refused: {told}")
    if len(refused) > share * (len(refused) + usable):
        rows = len(refused) + usable
        raise InputError(
            f"{name}: {len(refused):,} of {rows:,} rows are refused, more than {setting}={share:g} allows: {told}. "
            f"Correct the rows, or raise {setting}"
        )


def quarantined(refused: Iterable[BadRowError], name: str) -> list[tuple[str, str, str, str]]:
    """(row_key, reason, detail, original) of each, the key the same whenever the row is read again."""
    return [(f"{name}:{hash128(str(one), one.original)}", _code(one), str(one), one.original) for one in refused]


def _code(one: BadRowError) -> str:
    return one.reason or "unreadable_row"


def _places(refused: Sequence[BadRowError]) -> str:
    of_file: dict[str, list[str]] = {}
    for one in refused[:SHOWN]:
        of_file.setdefault(one.row.path.name, []).append(one.row.place)
    told = "; ".join(f"{', '.join(places)} of {name}" for name, places in of_file.items())
    return f"{told}, …" if len(refused) > SHOWN else told
