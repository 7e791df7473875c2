"""Scores of candidates: looked up, or read from a file that was made elsewhere."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path

from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Candidate, Item
from synpref.benchmarks.rows import Row
from synpref.errors import InputError

# By response_id, or by a candidate's name where results were published place by place; a name comes first.
Scores = Mapping[str, float]


def score_of(scores: Scores, candidate: Candidate) -> float:
    """Score of a candidate. Raises InputError naming it where it has none, or one that is not finite."""
    score = scores.get(candidate.name)
    if score is None:
        score = scores.get(candidate.response_id)
    if score is None:
        raise InputError(f"candidate {candidate.name} (response {candidate.response_id}) has no score; score it first")
    if not isfinite(score):
        raise InputError(f"candidate {candidate.name} (response {candidate.response_id}): {score} is no score")
    return score


def scores_of(scores: Scores, item: Item) -> list[float]:
    """Scores of an item's candidates, in their order."""
    return [score_of(scores, candidate) for candidate in item.candidates]


def read_scores(path: str | Path, items: Iterable[Item]) -> dict[str, float]:
    """Read a file of `id`, `score` (parquet, JSON Lines, a JSON array, or CSV) for these items.

    An id is a response_id, which then counts for every place of the response, or a candidate's name. Raises InputError
    naming the file and the row: an id that is unknown or stands twice, a score that is no finite number; and naming
    how many candidates that a figure needs, and the first, are left without a score.
    """
    items = tuple(items)
    known = {name for item in items for each in item.candidates for name in (each.name, each.response_id)}
    scores: dict[str, float] = {}
    for row in _rows(Path(path)):
        name = row.name("id")
        if name not in known:
            raise row.error(
                f"no candidate of the benchmark has the id {name!r}; an id is a response_id or a candidate's name"
            )
        if name in scores:
            raise row.error(f"the id {name!r} has a score already")
        scores[name] = row.number("score")
    needed = [candidate for item in items for candidate in item.needed]
    absent = [each.name for each in needed if each.name not in scores and each.response_id not in scores]
    if absent:
        raise InputError(f"{path}: {len(absent)} of {len(needed)} candidates have no score; the first: {absent[0]}")
    return scores


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix != ".csv":
        yield from read_rows([path])
        return
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    with path.open(encoding="utf-8-sig", newline="") as opened:
        try:
            for number, values in enumerate(csv.DictReader(opened), start=2):
                yield Row(path, f"line {number}", {**values, "score": _number(values.get("score"))})
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not readable as CSV ({error})") from error


def _number(text: str | None) -> float | str | None:
    """The number that a text is; else the text itself, which `Row.number` refuses."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
