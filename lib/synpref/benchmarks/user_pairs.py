"""Pairs that a user gives, scored as a benchmark of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from synpref.benchmarks.figures import Figure, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, make_pair, unique_items
from synpref.benchmarks.pairwise import by_category, pair_credits
from synpref.benchmarks.results import Result, coverage, present, tied_pairs
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores

NAME = "user_pairs"
PART = "pairs"


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of prompt (text or messages), chosen, rejected; id, category and margin where there are such columns.

    Without an id a row is named by its file and place. Raises InputError naming file and row.
    """
    return unique_items(read_rows(paths), _item)


def _item(row: Row) -> Item:
    name = row.name("id", "pair_id") if row.has("id", "pair_id") else f"{row.path.name}/{row.place.rpartition(' ')[2]}"
    category = row.text("category") if row.has("category") else PART
    margin = row.number("margin") if row.has("margin") else None
    messages = row.conversation("prompt")
    texts = row.text("chosen"), row.text("rejected")
    return make_pair(name, messages, *texts, part=PART, category=category, margin=margin)


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Share of pairs whose chosen response has the higher score (paper.md §2.2); figures: category/<name>."""
    items = tuple(items)
    table = tabulate(pair_credits(items, scores), seed)
    finer = tabulate(pair_credits(items, scores, by_category), seed)
    figures: dict[str, Figure | None] = {f"category/{name}": finer.pooled([name]) for name in finer.cells}
    cover = coverage(items, {PART: None}).vouched()  # a user's pairs are all there are
    return Result(NAME, table.pooled([PART]), present(figures), cover, len(items), tied_pairs(items, scores))
