"""Small benchmark files of the published shapes, and scorers that know the truth."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from synpref.benchmarks.items import Item, Response, make_item, make_pair

Row = dict[str, Any]
WriteRows = Callable[..., Path]
Scorer = Callable[[Iterable[Item]], dict[str, float]]


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    """Write rows to a file whose ending says the format; returns its path."""

    def write(name: str, rows: Sequence[Row]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(list(rows)), path)
        elif path.suffix == ".json":
            path.write_text(json.dumps(rows), encoding="utf-8")
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


def user(text: str) -> tuple[Mapping[str, str], ...]:
    return ({"role": "user", "content": text},)


def pair(name: str, part: str = "pairs", category: str | None = None, *, prompt: str | None = None) -> Item:
    """An item of one pair whose texts no other item has."""
    return make_pair(name, user(prompt or f"prompt of {name}"), "good " + name, "bad", part=part, category=category)


def pairs(sizes: Mapping[str, int]) -> list[Item]:
    """So many items of one pair for each part."""
    return [pair(f"{part}#{number}", part) for part, size in sizes.items() for number in range(size)]


def listed(name: str, truths: Sequence[float | None], part: str = "lists") -> Item:
    """An item of as many candidates as truths; every right one (1) is paired with every wrong one (0)."""
    responses = [Response(str(place), f"answer {place} to {name}", truth) for place, truth in enumerate(truths)]
    right, wrong = ([place for place, truth in enumerate(truths) if truth == value] for value in (1, 0))
    both = [(better, worse) for better in right for worse in wrong]
    return make_item(name, user(f"prompt of {name}"), responses, part=part, pairs=both)


def of_32(name: str, truths: Sequence[float | None], part: str) -> Item:
    """The same beside as many wrong candidates in no pair as make 32, as PPE Correctness has them."""
    whole = listed(name, [*truths, *[0.0] * (32 - len(truths))], part)
    return dataclasses.replace(whole, pairs=listed(name, truths, part).pairs)


def scored(items: Iterable[Item], score: Callable[[float], float]) -> dict[str, float]:
    """Scores by name as a function of the true score; candidates whose truth nobody knows get 0."""
    return {
        candidate.name: score(0.0 if truth is None else truth)
        for item in items
        for candidate, truth in zip(item.candidates, item.truths, strict=True)
    }


def perfect(items: Iterable[Item]) -> dict[str, float]:
    return scored(items, float)


def inverted(items: Iterable[Item]) -> dict[str, float]:
    return scored(items, lambda truth: -truth)


def constant(items: Iterable[Item]) -> dict[str, float]:
    return scored(items, lambda truth: 0.5)


def names_of(items: Iterable[Item]) -> list[str]:
    return [candidate.name for item in items for candidate in item.candidates]


def any_scores(items: Sequence[Item]) -> st.SearchStrategy[dict[str, float]]:
    """Scores with many ties: whole numbers from -3 to 3."""
    names = names_of(items)
    values = st.lists(st.integers(-3, 3).map(float), min_size=len(names), max_size=len(names))
    return values.map(lambda drawn: dict(zip(names, drawn, strict=True)))
