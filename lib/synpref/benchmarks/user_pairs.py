"""Pairs that a user gives, scored as a benchmark of their own."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from synpref.benchmarks.figures import Figure, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, Response, make_item, make_pair, unique_items
from synpref.benchmarks.pair_shapes import Pair, reader
from synpref.benchmarks.pairwise import by_category, pair_credits
from synpref.benchmarks.results import Result, coverage, present, tied_pairs
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores
from synpref.errors import InputError

NAME = "user_pairs"
PART = "pairs"


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read files of pairs, each in the shape of docs/inputs.md that it has; id, category and margin where they stand.

    Without an id a row is named by its file and place. A row that says tie, or nothing, is an item without a pair.
    Raises InputError naming file and row, and where no row says which response is better.
    """
    rows = list(read_rows(paths))
    readers = {path: reader(list(of_file)) for path, of_file in groupby(rows, lambda row: row.path)}
    items = unique_items(rows, lambda row: _item(row, readers[row.path](row)))
    if not any(item.pairs for item in items):
        raise InputError(f"{rows[0].path}: no row says which response is better: there is nothing to measure on")
    return items


def _item(row: Row, pair: Pair) -> Item:
    name = row.name("id", "pair_id") if row.has("id", "pair_id") else f"{row.path.name}/{row.place.rpartition(' ')[2]}"
    category = row.text("category") if row.has("category") else PART
    margin = row.number("margin") if row.has("margin") else None
    if pair.better is None:
        sides = [Response(side, text, None) for side, text in zip("ab", pair.texts, strict=True)]
        return make_item(name, pair.messages, sides, part=PART, category=category)
    chosen, rejected = pair.texts if pair.better == 0 else pair.texts[::-1]
    return make_pair(name, pair.messages, chosen, rejected, part=PART, category=category, margin=margin)


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Share of pairs whose chosen response has the higher score (paper.md §2.2); figures: category/<name>.

    A tie and a row without a label count in no figure.
    """
    items = tuple(items)
    table = tabulate(pair_credits(items, scores), seed)
    finer = tabulate(pair_credits(items, scores, by_category), seed)
    figures: dict[str, Figure | None] = {f"category/{name}": finer.pooled([name]) for name in finer.cells}
    cover = coverage(items, {PART: None}).vouched()  # a user's pairs are all there are
    return Result(NAME, table.pooled([PART]), present(figures), cover, len(items), tied_pairs(items, scores))
