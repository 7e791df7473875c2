"""Pairs that a user gives, scored as a benchmark of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from synpref.benchmarks.figures import Figure, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, Response, make_item, make_pair, unique_items
from synpref.benchmarks.pair_shapes import Pair, reader
from synpref.benchmarks.pairwise import by_category, pair_credits
from synpref.benchmarks.results import Result, coverage, present, tied_pairs
from synpref.benchmarks.rows import BadRowError, Row
from synpref.benchmarks.scores import Scores
from synpref.errors import InputError
from synpref.pairs.identity import comparison_id, pair_id, prompt_id, response_id
from synpref.pairs.short_names import short_names

NAME = "user_pairs"
PART = "pairs"


class UserPairs(NamedTuple):
    """items: rows that say something of two responses, in order. refused: rows that do not, with their reasons."""

    items: tuple[Item, ...]
    refused: tuple[BadRowError, ...]


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """As read_usable, of files of which no row may be refused. Raises BadRowError for the first that is."""
    named = list(paths)
    found = read_usable(named)
    if found.refused:
        raise found.refused[0]
    check_decided(found.items, str(named[0]))
    return found.items


def read_usable(paths: Iterable[str | Path], *, by_content: bool = False) -> UserPairs:
    """Read files of pairs, each in the shape of docs/inputs.md that it has; id, category and margin where they stand.

    Without an id a row is named by its file and place, of files of one name with the folders that tell them apart;
    by_content: by what it says (`pairs.identity.pair_id`), which is
    the same in every copy of a table. A row that says tie, or nothing, is an item without a pair. Raises InputError
    naming file and row for an id, category or margin that is none, and for an id that stands twice.
    """
    refused: list[BadRowError] = []
    rows = list(read_rows(paths, refused))
    readers = {path: reader(list(of_file)) for path, of_file in groupby(rows, lambda row: row.path)}
    pairs: dict[tuple[Path, str], Pair] = {}
    for row in rows:
        try:
            pairs[row.path, row.place] = readers[row.path](row)
        except BadRowError as error:
            refused.append(error)
    usable = [row for row in rows if (row.path, row.place) in pairs]
    seen = Counter[str]()
    files = short_names(readers)

    def build(row: Row) -> Item:
        pair = pairs[row.path, row.place]
        if row.has("id", "pair_id"):
            name = row.name("id", "pair_id")
        else:
            name = (
                _numbered(_content(pair), seen) if by_content else f"{files[row.path]}/{row.place.rpartition(' ')[2]}"
            )
        return _item(row, name, pair)

    return UserPairs(unique_items(usable, build), tuple(refused))


def check_decided(items: Iterable[Item], where: str) -> None:
    """Raise InputError where no item says which response is better."""
    if not any(item.pairs for item in items):
        raise InputError(f"{where}: no row says which response is better: there is nothing to measure on")


def _content(pair: Pair) -> str:
    """The pair's own identity; a tie's, too, whichever of its responses comes first."""
    prompt = prompt_id(pair.messages)
    better, worse = (response_id(prompt, text) for text in _ordered(pair))
    return pair_id(better, worse) if pair.better is not None else comparison_id(better, worse)


def _numbered(name: str, seen: Counter[str]) -> str:
    """The name, with a number behind it where it stood before."""
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}-{seen[name]}"


def _ordered(pair: Pair) -> tuple[str, str]:
    """The better text first, where one is."""
    first, second = pair.texts
    return (second, first) if pair.better == 1 else (first, second)


def _item(row: Row, name: str, pair: Pair) -> Item:
    category = row.text("category") if row.has("category") else PART
    margin = row.number("margin") if row.has("margin") else None
    if pair.better is None:
        sides = [Response(side, text, None) for side, text in zip("ab", pair.texts, strict=True)]
        return make_item(name, pair.messages, sides, part=PART, category=category)
    return make_pair(name, pair.messages, *_ordered(pair), part=PART, category=category, margin=margin)


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
